// An end-to-end test in another language: wait for the e-mail, follow its link, accept.
import assert from 'node:assert/strict';

const dev = process.env.ROQ_BASE_URL;
const api = `${dev}/dev/api`;

async function get(path) {
  const response = await fetch(`${api}${path}`);
  return { status: response.status, body: await response.json() };
}

async function post(path, order) {
  const response = await fetch(`${api}${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(order),
  });
  return { status: response.status, body: await response.json() };
}

// The e-mail arrives while this waits: the test beside invites when it reads the line.
const waiting = get('/mails/wait?to=bob@example.com&timeout=30s');
console.log('waiting');
const { status, body: mail } = await waiting;
assert.equal(status, 200);
assert.equal(mail.to, 'bob@example.com');
assert.equal(mail.language, 'de');
assert.equal(mail.subject, 'Ann Admin lädt Sie zu Acme ein');
assert.match(mail.text, /Guten Tag Bob,/);
assert.ok(mail.text.includes(mail.link) && mail.html.includes('Einladung annehmen'));

const page = await fetch(mail.link);
assert.equal(page.status, 200);
assert.match(await page.text(), /Join Acme/);
const accepted = await fetch(`${dev}/accept`, { method: 'POST', body: new URLSearchParams({ token: mail.token }) });
assert.equal(accepted.status, 200);
const { body: invite } = await get(`/invites/${mail.inviteId}`);
assert.equal(invite.status, 'accepted');
const { body: users } = await get('/users?email=bob@example.com');
assert.equal(users.rows[0].id, invite.acceptedByUserId);

// A list has no secrets, and says how to go on.
const { body: list } = await get('/mails?limit=1');
assert.equal(list.total, 1);
assert.equal(list.rows[0].link, undefined);

// Nothing arrives any more.
const late = await get(`/mails/wait?to=bob@example.com&after=${mail.id}&timeout=50ms`);
assert.equal(late.status, 404);
assert.match(late.body.error, /no such e-mail/);

// Trouble, and the clock.
assert.equal((await post('/trouble', { trouble: 'errors', operation: 'userInvites', times: 3 })).body.active[0].times, 3);
assert.equal((await post('/trouble', { trouble: 'normal' })).body.active.length, 0);
assert.equal((await post('/clock', { turn: '24h' })).body.aheadSeconds, 86400);
assert.equal((await post('/clock', { turn: 'expiry' })).status, 409);
console.log('done');
