/*
 * For the applications of this folder: a plain connection for each test, beside those of the
 * library that is tested, and what tests of several libraries need.
 */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { Redis } from 'ioredis';
import { port, test } from './check.mjs';

export const address = { host: '127.0.0.1', port };
export const url = `redis://127.0.0.1:${port}`;

export const connect = more => new Redis({ ...address, maxRetriesPerRequest: null, ...more });

EventEmitter.defaultMaxListeners = 200; /* a hundred jobs are awaited at once */

const life = {
    open: async () => connect(),
    flush: client => client.flushall(),
    close: client => client.disconnect(),
};

/* One test. What `later` is given is called behind it, the last first, whatever happened. */
export function app(name, body) {
    return test(name, life, async client => {
        const ends = [];
        try {
            await body(client, end => ends.push(end));
        } finally {
            for (const end of ends.reverse()) await end();
        }
    });
}

/*
 * The program that runs, once more as another process, with these words behind the port: what it
 * says first is `line`. It is killed by kill(), and at our own end.
 */
export async function another(...words) {
    const child = spawn(process.execPath, [process.argv[1], String(port), ...words],
        { stdio: ['ignore', 'pipe', 'inherit'] });
    const kill = async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
    };
    process.on('exit', () => child.kill('SIGKILL'));
    const [line] = await Promise.race([once(child.stdout, 'data'),
        once(child, 'exit').then(() => { throw new Error(`${words} ended`); })]);
    return { line: String(line).trim(), kill };
}

/* What another() was called with, or nothing. */
export const words = process.argv.slice(3);

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

/* The error that a promise is rejected with; it must be. */
export async function rejection(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    throw new Error('it was not rejected');
}
