// SPDX-License-Identifier: AGPL-3.0-or-later
// Accounts that StanzaJS logs in, and their calls: stanzajs.py calls these functions. Runs in chromium.html, whose peers,
// say(), listen() and functions on a call it shares; StanzaJS is the bundle's name.
"use strict";

const JMI = "urn:xmpp:jingle-message:0";
const devices = new Map();

// XEP-0353, which the package leaves to the application: what comes is told, what goes is a message().
function take_proposals(id, client) {
	for (const name of ["propose", "ringing", "proceed", "accept", "reject", "retract", "finish"])
		client.stanzas.define({
			element: name, namespace: JMI, path: `message.jmi_${name}`,
			fields: { id: StanzaJS.JXT.attribute("id") },
		});
	client.disco.addFeature(JMI);
	const told = message => {
		for (const [field, found] of Object.entries(message))
			if (field.startsWith("jmi_"))
				say({ id, event: "jingle:" + field.slice(4), sid: found.id, peer: message.from });
	};
	client.on("message", told);
	client.on("carbon:sent", carbon => told(carbon.carbon.forward.message));
}

function message(device, to, name, sid) {
	devices.get(device).sendMessage({ to, type: "chat", ["jmi_" + name]: { id: sid } });
}

// @options: jid, password, resource, transports, proposals.
async function login(id, { proposals, ...options }) {
	const client = StanzaJS.createClient({ ...options, autoReconnect: false, jingle: { iceServers: [], advertiseVideo: false } });
	const told = (name, what) => client.on(name, (...found) => say({ id, event: name, ...what(...found) }));

	devices.set(id, client);
	if (proposals)
		take_proposals(id, client);
	client.on("raw:incoming", xml => say({ id, event: "received", xml }));
	client.on("raw:outgoing", xml => say({ id, event: "sent", xml }));
	told("session:started", jid => ({ jid }));
	told("stream:management:resumed", () => ({}));
	told("disconnected", () => ({}));
	told("auth:failed", () => ({}));
	told("jingle:incoming", session => ({ sid: session.sid, peer: session.peerID }));
	for (const name of ["accepted", "ringing", "hold", "resumed"])
		told(`jingle:${name}`, session => ({ sid: session.sid }));
	told("jingle:terminated", (session, reason) => ({ sid: session.sid, reason: reason && reason.condition }));
	client.on("session:started", async () => {
		await client.enableCarbons();
		client.updateCaps();
		client.sendPresence({ legacyCapabilities: client.getCurrentCaps().legacyCapabilities });
	});
	// the server shows us our own presence, and others have it by then
	client.on("presence", presence => presence.from === client.jid && say({ id, event: "ready" }));
	client.connect();
}

// The socket goes, the stream was not closed.
function sever(id) {
	devices.get(id).transport.disconnect(false);
}

function reconnect(id) {
	devices.get(id).connect();
}

function subscribe(id, jid) {
	const client = devices.get(id);

	client.on("subscribe", presence => client.acceptSubscription(presence.from));
	client.subscribe(jid);
}

// Make the call @id of a session, whose tone is not heard yet.
async function take(id, session, frequency) {
	const sent = await speak(frequency);

	peers.set(id, { pc: session.pc, session, sent });
	session.pc.addEventListener("connectionstatechange", () => say({ id, state: session.pc.connectionState }));
	session.pc.addEventListener("iceconnectionstatechange", () => say({ id, ice: session.pc.iceConnectionState }));
	await session.addTrack(sent.track, sent.stream);
}

function hear(id, session) {
	session.pc.addEventListener("track", event => {
		peers.get(id).heard = listen(id, event.streams[0] || new MediaStream([event.track]));
	});
}

// Call @peer; returns the sid.
async function call(id, frequency, device, peer) {
	const session = devices.get(device).jingle.createMediaSession(peer);

	hear(id, session);
	await take(id, session, frequency);
	await session.start();
	return session.sid;
}

// Accept the session @sid that has come in.
async function accept_session(id, frequency, device, sid) {
	const session = devices.get(device).jingle.sessions[sid];

	await take(id, session, frequency);
	for (const receiver of session.pc.getReceivers())
		peers.get(id).heard = listen(id, new MediaStream([receiver.track]));
	await session.accept();
}

// hold, resume, restartIce, or end with a reason
async function act(id, name, ...rest) {
	await peers.get(id).session[name](...rest);
}

function ring(device, sid) {
	devices.get(device).jingle.sessions[sid].ring();
}

// The peer's ICE ufrag of now.
function remote_ufrag(id) {
	return /^a=ice-ufrag:(\S+)/m.exec(peers.get(id).pc.remoteDescription.sdp)[1];
}

// Both ends of the pair in use: [local, remote] addresses.
async function path(id) {
	const reports = await peers.get(id).pc.getStats();
	const all = [...reports.values()];
	const transport = all.find(report => report.type === "transport");
	const pair = reports.get(transport.selectedCandidatePairId);

	return [pair.localCandidateId, pair.remoteCandidateId].map(name => reports.get(name).address);
}

function logout(id) {
	const client = devices.get(id);

	devices.delete(id);
	client.jingle.endAllSessions("success", true);
	client.disconnect();
}
