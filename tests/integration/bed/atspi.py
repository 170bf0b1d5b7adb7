# SPDX-License-Identifier: AGPL-3.0-or-later
"""Does what a person does with the windows of an application, by AT-SPI (dino.py runs it inside the desktop it belongs to):

    atspi.py press TEXT         click the button with this name, description or label
    atspi.py close FRAME        close the window of this name
Exit code 1: there is none now."""

import sys

import pyatspi


def nodes(parent):
    """All that is below @parent, and @parent."""
    yield parent
    for child in parent:
        if child:
            yield from nodes(child)


def act(node, *names):
    """Do the first of the actions @names that @node has; whether it has one."""
    try:
        action = node.queryAction()
    except NotImplementedError:
        return False
    for number in range(action.nActions):
        if action.getName(number) in names:
            return action.doAction(number)
    return False


def pressable(node):
    """@node or the nearest inside of or around it that can be clicked."""
    around = [node.parent, node.parent.parent] if node.parent else []
    return any(act(other, "click") for other in [*nodes(node), *filter(None, around)])


def main(verb, text):
    """Look for @text in all windows."""
    for application in pyatspi.Registry.getDesktop(0):
        for node in nodes(application):
            if verb == "close" and node.getRoleName() == "frame" and node.name == text:
                return act(node, "window.close")
            if verb == "press" and text in (node.name, node.description) and pressable(node):
                return True
    return False


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
