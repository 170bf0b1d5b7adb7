# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people are told who want to call with clients of their own."""

from bed import prosody, xmppserver

NUMBER = "+15550100123"  # one that answers; any other does as well
TEXT = """
Everything is up on {address} and stays up until Ctrl-C.

  accounts   alice@{address}   password {password}   telephone number {alice}
             bob@{address}     password {password}   telephone number {bob}
  server     {address}, port {c2s} (STARTTLS), if the client asks for it
  browsers   wss://{address}:{https}/xmpp-websocket  or  https://{address}:{https}/http-bind
             (http and ws on port {http}; open https://{address}:{https}/ once and accept the certificate)
  firewall   TCP {c2s}, {http}, {https}; UDP {media}-{last}

 1. Log in from this or another machine, typing the account as above: its domain is the IP address, so no DNS is needed.
      Conversations and others on Android: accept the certificate when asked.
      Dino accepts only certificates that its system trusts; on the machine it runs on (Debian), before it is started:
        sudo curl -o {trust} http://{address}:{http}/{certificate}
        sudo update-ca-certificates          (to undo: remove that file, then sudo update-ca-certificates --fresh)
      Gajim logs in, but cannot call: from 2.0 on it has no calls, and 1.9 sends audio without encryption, which is refused.
 2. The contact list has these; call them:
      Echo        echo@{domain}
                  Tandem itself says back what you say
      Telephone   {number}@{domain} (any other number works as well)
                  a telephone behind a SIP trunk rings for 2 s, answers and says back what you say
 3. Be called: press Enter here, and the telephone calls alice; type bob and Enter for bob.
"""


def text(stay):
    """The text for a keep.Stay that is up."""
    return TEXT.format(
        address=stay.address, domain=stay.domain, password=stay.password, number=NUMBER, c2s=xmppserver.C2S_PORT,
        http=prosody.HTTP_PORT, https=prosody.HTTPS_PORT, certificate=prosody.CERTIFICATE,
        trust="/usr/local/share/ca-certificates/" + prosody.CERTIFICATE, media=stay.media_port,
        last=stay.media_port + stay.workers - 1, **stay.numbers)
