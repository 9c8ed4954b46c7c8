/*
 * @socket.io/redis-adapter: two node processes behind one server, its plain and its sharded adapter.
 * What a client says to one process reaches the clients of both.
 */
import http from 'node:http';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { another, app, connect, words } from './app.mjs';
import { assert, finish, library, port, until } from './check.mjs';

const { createClient } = await library('redis');

/* The kinds of adapter, each with connections of its own for what it sends and hears. */
const kinds = {
    'plain, ioredis': async () => createAdapter(connect(), connect()),
    'plain, node-redis': async () => createAdapter(await dial(), await dial()),
    'sharded, node-redis': async () => createShardedAdapter(await dial(), await dial()),
};

async function dial() {
    const client = createClient({ socket: { port, host: '127.0.0.1' } });
    client.on('error', () => {});
    return client.connect();
}

/* One node of the application. */
async function serve(kind) {
    const server = http.createServer();
    const node = new Server(server, { adapter: await kinds[kind]() });
    node.on('connection', socket => {
        socket.on('join', (room, done) => { socket.join(room); done(); });
        socket.on('all', text => node.emit('heard', text));
        socket.on('others', text => socket.broadcast.emit('heard', text));
        socket.on('room', (room, text) => node.to(room).emit('heard', text));
        socket.on('count', async (room, done) => done((await node.in(room).fetchSockets()).length));
        socket.on('ask', async done => done(await node.timeout(5000).emitWithAck('question')));
        socket.on('nodes', async done => done(await node.serverSideEmitWithAck('which')));
        socket.on('move', async done => { node.socketsJoin('moved'); done(); });
    });
    node.on('which', done => done(process.pid));
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    console.log(server.address().port);
}

const ask = (socket, ...what) => socket.timeout(10000).emitWithAck(...what);

async function suite(kind) {
    await app(`socket.io, ${kind}`, async (client, later) => {
        const nodes = [await another(kind), await another(kind)];
        for (const node of nodes) later(() => node.kill());
        const sockets = await Promise.all([0, 0, 1, 1].map(async n => {
            const socket = io(`http://127.0.0.1:${nodes[n].line}`, { transports: ['websocket'] });
            later(() => socket.disconnect());
            socket.heard = [];
            socket.on('heard', text => socket.heard.push(text));
            socket.on('question', done => done(socket.id));
            await new Promise(resolve => socket.on('connect', resolve));
            return socket;
        }));
        const [a, b, c, d] = sockets;
        const heard = async wanted => {
            await until(() => sockets.every((s, i) => s.heard.length >= wanted[i].length), wanted);
            assert.deepEqual(sockets.map(s => s.heard), wanted);
            for (const s of sockets) s.heard = [];
        };
        /* The nodes know of each other as soon as all sockets are counted from either. */
        await Promise.all(sockets.map(s => ask(s, 'join', 'everybody')));
        await until(async () => await ask(a, 'count', 'everybody') === 4 &&
            await ask(c, 'count', 'everybody') === 4, 'all sockets');

        a.emit('all', 'hello');
        await heard([['hello'], ['hello'], ['hello'], ['hello']]);
        c.emit('others', 'hi');
        await heard([['hi'], ['hi'], [], ['hi']]);
        await ask(b, 'join', 'room');
        await ask(d, 'join', 'room');
        assert.equal(await ask(a, 'count', 'room'), 2);
        a.emit('room', 'room', 'psst');
        await heard([[], ['psst'], [], ['psst']]);
        for (let i = 0; i < 50; i++) a.emit('all', i);
        const all = Array.from({ length: 50 }, (_, i) => i);
        await heard([all, all, all, all]);
        assert.deepEqual((await ask(a, 'ask')).sort(), sockets.map(s => s.id).sort());
        assert.equal((await ask(a, 'nodes')).length, 1);
        await ask(a, 'move');
        await until(async () => await ask(c, 'count', 'moved') === 4, 'all have moved');
        /* One that dies takes nothing with it. */
        await nodes[1].kill();
        b.emit('all', 'bye');
        await until(() => a.heard.length + b.heard.length === 2, 'the first node still works');
    });
}

if (words.length) {
    await serve(words[0]);
} else {
    for (const kind of Object.keys(kinds)) await suite(kind);
    finish();
}
