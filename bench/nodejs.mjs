// @roq/nodejs, as a backend uses it, made to call as often as it is told. The
// first line on standard input says where the platform is and whom to invite;
// each further line {operation, size, calls, callers} is answered with
// {cpu, wall, invites} (µs of this process, ms, how many invites came back) or
// {error}. Standard output is for answers only.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(new URL('./.scratch/', import.meta.url));
const { Platform } = require('@roq/nodejs');

console.log = console.info = console.debug = console.error;
const answer = (value) => process.stdout.write(JSON.stringify(value) + '\n');

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { host, environmentId, apiKey, userId, tenantId, people } = JSON.parse((await lines.next()).value);
const connect = () => new Platform({ host, environmentId, apiKey }).asUser(userId);
const roq = connect();
answer({ node: process.version });

const list = async (roq, size) => (await roq.userInvites({ limit: size })).userInvites.data.length;

const operations = {
  userInvites: (size) => {
    return () => list(roq, size);
  },
  // By a client that has no token yet.
  first: (size) => {
    const fresh = connect();
    return () => list(fresh, size);
  },
  sendUserInvites: (size) => {
    const data = { tenantId, userInvites: people.slice(0, size) };
    return async () => (await roq.sendUserInvites({ data })).sendUserInvitesV2.success.length;
  },
};

async function measure({ operation, size, calls, callers }) {
  const call = operations[operation](size);
  let taken = 0;
  let invites = 0;
  const caller = async () => {
    while (taken++ < calls) {
      const got = await call();
      invites += got;
    }
  };
  const cpu = process.cpuUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: user + system, wall, invites };
}

for await (const line of lines) {
  try {
    answer(await measure(JSON.parse(line)));
  } catch (err) {
    answer({ error: String(err.message ?? err) });
  }
}
