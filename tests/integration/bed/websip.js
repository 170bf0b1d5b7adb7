// SPDX-License-Identifier: AGPL-3.0-or-later
// Telephones in a browser, by SIP.js and JsSIP: websip.py calls these functions. Runs in chromium.html, whose peers, say(),
// listen() and functions on a call it shares; SIPjs and JsSIP are the bundles' names.
"use strict";

const phones = new Map();

// Make the call @id of a connection; in the place of the one that it had.
function take(id, pc, sent) {
	const before = peers.get(id);
	if (before && before.heard) {
		before.heard[1].port.onmessage = null;
		before.heard[1].disconnect();
	}
	peers.set(id, { pc, sent });
	pc.addEventListener("connectionstatechange", () => say({ id, state: pc.connectionState }));
	pc.addEventListener("track", event => {
		const peer = peers.get(id); // the track comes again with each new description
		peer.heard = peer.heard || listen(id, new MediaStream([event.track]));
	});
}

const kinds = {
	"SIP.js": {
		async login(id, { server, uri }) {
			const phone = { calls: new Map(), invited: null };
			const factory = SIPjs.Web.defaultSessionDescriptionHandlerFactory(async () => phone.sent.stream);
			phone.agent = new SIPjs.UserAgent({
				uri: SIPjs.UserAgent.makeURI(uri), transportOptions: { server }, logBuiltinEnabled: false,
				sessionDescriptionHandlerFactory: factory,
				sessionDescriptionHandlerFactoryOptions: { iceGatheringTimeout: 2000, peerConnectionConfiguration: { iceServers: [] } },
				delegate: { onInvite: invitation => { phone.invited = invitation; say({ id, event: "invite", from: invitation.remoteIdentity.uri.user }); } },
			});
			await phone.agent.start();
			const registerer = new SIPjs.Registerer(phone.agent);
			registerer.stateChange.addListener(state => say({ id, event: state.toLowerCase() }));
			await registerer.register();
			return phone;
		},
		watch(call, id, session, phone) {
			session.delegate = { onSessionDescriptionHandler: handler => take(id, handler.peerConnection, phone.sent) };
			session.stateChange.addListener(state => {
				if (state === SIPjs.SessionState.Established)
					say({ id, event: "accepted" });
				if (state === SIPjs.SessionState.Terminated)
					say({ id, event: "ended" });
			});
		},
		async call(phone, id, target) {
			const session = new SIPjs.Inviter(phone.agent, SIPjs.UserAgent.makeURI(target));
			phone.calls.set(id, session);
			this.watch(this, id, session, phone);
			await session.invite({ requestDelegate: { onReject: response => say({ id, event: "ended", status: response.message.statusCode }) } });
		},
		async accept(phone, id) {
			const session = phone.invited;
			phone.calls.set(id, session);
			this.watch(this, id, session, phone);
			await session.accept();
		},
		async hangup(phone, id) {
			await phone.calls.get(id).bye();
		},
		async hold(phone, id, on) {
			const session = phone.calls.get(id);
			session.sessionDescriptionHandlerOptionsReInvite = { hold: on };
			await new Promise((done, failed) => session.invite({ requestDelegate: {
				onAccept: done, onReject: ({ message }) => failed(new Error(message.statusCode)) } }).catch(failed));
		},
		async restart(phone, id) {
			const session = phone.calls.get(id);
			session.sessionDescriptionHandlerOptionsReInvite = { offerOptions: { iceRestart: true } };
			await new Promise((done, failed) => session.invite({ requestDelegate: {
				onAccept: done, onReject: ({ message }) => failed(new Error(message.statusCode)) } }).catch(failed));
		},
		async renew(phone, id) {
			const session = phone.calls.get(id);
			session.sessionDescriptionHandler.peerConnection.close(); // its own close() would stop what is sent
			session._sessionDescriptionHandler = undefined;
			session.sessionDescriptionHandlerOptionsReInvite = {};
			await new Promise((done, failed) => session.invite({ requestDelegate: {
				onAccept: done, onReject: ({ message }) => failed(new Error(message.statusCode)) } }).catch(failed));
		},
		logout(phone) {
			return phone.agent.stop();
		},
	},
	"JsSIP": {
		async login(id, { server, uri }) {
			const phone = { calls: new Map(), invited: null };
			phone.agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)], uri, register: true, session_timers: true });
			for (const event of ["registered", "registrationFailed", "disconnected"])
				phone.agent.on(event, () => say({ id, event: event.toLowerCase() }));
			phone.agent.on("newRTCSession", ({ session, originator }) => {
				if (originator === "remote") {
					phone.invited = session;
					say({ id, event: "invite", from: session.remote_identity.uri.user });
				}
			});
			phone.agent.start();
			return phone;
		},
		watch(id, session) {
			session.on("accepted", () => say({ id, event: "accepted" }));
			session.on("ended", () => say({ id, event: "ended" }));
			session.on("failed", ({ cause, message }) => say({ id, event: "ended", cause, status: message && message.status_code }));
		},
		async call(phone, id, target) {
			const session = phone.agent.call(target, { mediaStream: phone.sent.stream, pcConfig: { iceServers: [] } });
			phone.calls.set(id, session);
			take(id, session.connection, phone.sent);
			this.watch(id, session);
		},
		async accept(phone, id) {
			const session = phone.invited;
			phone.calls.set(id, session);
			session.on("peerconnection", ({ peerconnection }) => take(id, peerconnection, phone.sent));
			this.watch(id, session);
			session.answer({ mediaStream: phone.sent.stream, pcConfig: { iceServers: [] } });
		},
		async hangup(phone, id) {
			phone.calls.get(id).terminate();
		},
		async hold(phone, id, on) {
			await new Promise(done => phone.calls.get(id)[on ? "hold" : "unhold"]({}, done));
		},
		async restart(phone, id) {
			await new Promise(done => phone.calls.get(id).renegotiate({ rtcOfferConstraints: { iceRestart: true } }, done));
		},
		async renew(phone, id) {
			const session = phone.calls.get(id), { stream } = phone.sent;
			session._connection.close();
			session._createRTCConnection({ iceServers: [] });
			stream.getTracks().forEach(track => session._connection.addTrack(track, stream));
			take(id, session._connection, phone.sent);
			await new Promise(done => session.renegotiate({}, done));
		},
		logout(phone) {
			phone.agent.stop();
		},
	},
};

async function web_login(id, kind, options) {
	const phone = await kinds[kind].login(id, options);
	phone.kind = kinds[kind];
	phones.set(id, phone);
}

async function web_call(id, device, frequency, target) {
	const phone = phones.get(device);
	phone.sent = await speak(frequency);
	await phone.kind.call(phone, id, target);
}

async function web_accept(id, device, frequency) {
	const phone = phones.get(device);
	phone.sent = await speak(frequency);
	await phone.kind.accept(phone, id);
}

async function web_act(id, device, name, ...rest) {
	const phone = phones.get(device);
	await phone.kind[name](phone, id, ...rest);
}

const theirUfrag = pc => pc.remoteDescription.sdp.match(/^a=ice-ufrag:(\S+)/m)[1];

// ICE restart in a re-INVITE, as when the network has changed: resolved when the other party has new credentials, too.
async function web_restart(id, device) {
	const phone = phones.get(device), pc = peers.get(id).pc, before = theirUfrag(pc);
	await phone.kind.restart(phone, id);
	for (let tries = 0; theirUfrag(pc) === before; tries++) { // the answer is set behind the response
		if (tries === 200)
			throw new Error("no new credentials in the answer");
		await new Promise(done => setTimeout(done, 25));
	}
}

const ourFingerprint = pc => pc.localDescription.sdp.match(/^a=fingerprint:(.+)/m)[1];

// Another connection in the same call, with a certificate of its own: resolved when it has the answer.
async function web_renew(id, device) {
	const phone = phones.get(device), before = ourFingerprint(peers.get(id).pc);
	await phone.kind.renew(phone, id);
	for (let tries = 0; !peers.get(id).pc.remoteDescription; tries++) { // the answer is set behind the response
		if (tries === 200)
			throw new Error("no answer");
		await new Promise(done => setTimeout(done, 25));
	}
	if (ourFingerprint(peers.get(id).pc) === before)
		throw new Error("the certificate is the same");
}

async function web_logout(id) {
	const phone = phones.get(id);
	phones.delete(id);
	await phone.kind.logout(phone);
}
