/*
 * A small runner for the programs of this folder: each test has a name, a connection of its own and
 * a database that was flushed before. Ends with the line `N passed, N failed[, N skipped]`.
 *
 * Programs are called as `node PROGRAM PORT`.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';

export { assert };
export const port = Number(process.argv[2]);
if (!port) {
    console.error(`usage: node ${process.argv[1]} PORT`);
    process.exit(2);
}

const patienceMs = 60000;
const tally = { passed: 0, failed: 0, skipped: 0 };

function within(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: no end after ${patienceMs} ms`)),
            patienceMs);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/* One test: open() gives a client, close(client) ends it, whatever happens in between. */
export async function test(name, { open, flush, close }, body) {
    let client;
    try {
        client = await within(open(), 'connect');
        await within(flush(client), 'flush');
        await within(body(client), 'test');
        tally.passed++;
    } catch (error) {
        tally.failed++;
        console.log(`FAILED ${name}\n    ${String(error.stack).replaceAll('\n', '\n    ')}`);
    }
    if (client) await within(Promise.resolve(close(client)), 'close').catch(() => {});
}

/* The library under this alias of package.json, or null where this node is too old for it. */
export async function library(alias) {
    const about = new URL(`./node_modules/${alias}/package.json`, import.meta.url);
    const { version, engines } = JSON.parse(fs.readFileSync(about, 'utf8'));
    const wanted = Number(/\d+/.exec(engines.node)[0]);
    if (Number(process.versions.node.split('.')[0]) < wanted) {
        console.log(`skipped ${alias} ${version}: it wants node ${engines.node}`);
        tally.skipped++;
        return null;
    }
    return import(alias);
}

export function finish() {
    const skipped = tally.skipped ? `, ${tally.skipped} skipped` : '';
    console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
    process.exit(tally.failed ? 1 : 0);
}

/* Waits until look() gives something true, and gives that. */
export async function until(look, what) {
    const start = Date.now();
    for (;;) {
        const found = await look();
        if (found) return found;
        if (Date.now() - start > patienceMs) throw new Error(`${what}: waited too long`);
        await new Promise(resolve => setTimeout(resolve, 5));
    }
}

/* Sends these bytes on a socket of its own and gives all that comes until the server closes. */
export function raw(bytes) {
    return new Promise((resolve, reject) => {
        const parts = [];
        const socket = net.connect(port, '127.0.0.1', () => socket.end(bytes));
        socket.on('data', part => parts.push(part));
        socket.on('end', () => resolve(Buffer.concat(parts).toString('latin1')));
        socket.on('error', reject);
    });
}

/* Runs a row of commands.mjs through call(name, args) and compares. */
export async function row(call, [name, args, wanted]) {
    let got;
    try {
        got = await call(name, args);
    } catch (error) {
        got = error;
    }
    const what = `${name} ${args.join(' ')}`.slice(0, 100);
    if (wanted instanceof RegExp) {
        assert.ok(got instanceof Error, `${what}: wanted an error, got ${JSON.stringify(got)}`);
        assert.match(got.message, wanted, what);
    } else if (got instanceof Error) {
        throw new Error(`${what}: ${got.message}`);
    } else if (typeof wanted === 'function') {
        assert.ok(wanted(got), `${what}: got ${String(JSON.stringify(got)).slice(0, 1000)}`);
    } else {
        assert.deepEqual(got, wanted, what);
    }
}

/* A map of RESP3 and the flat array of RESP2 as one object of plain values. */
export function pairs(reply) {
    if (reply instanceof Map) return Object.fromEntries(reply);
    if (!Array.isArray(reply)) return { ...reply };
    const map = {};
    for (let i = 0; i < reply.length; i += 2) map[reply[i]] = reply[i + 1];
    return map;
}
