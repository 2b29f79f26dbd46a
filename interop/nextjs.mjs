// The session code of @roq/nextjs. Its package exports nothing of it, so it is
// taken by its path. Of Next.js its session endpoint needs the request's cookies
// and a way to make a response, which stand here instead.
import { createServer } from 'node:http';
import Module from 'node:module';
import { dirname, join } from 'node:path';
import { require, serve } from './lines.mjs';

let cookies = new Map();
const next = {
  'next/headers': { cookies: () => ({ get: (name) => (cookies.has(name) ? { name, value: cookies.get(name) } : undefined) }) },
  'next/server': {
    NextResponse: {
      json: (body, init) => {
        const answer = { body, status: init?.status ?? 200, cookies: { set: (name, value) => (answer.cookie = value), delete() {} } };
        return answer;
      },
    },
  },
};
const load = Module._load;
Module._load = (request, ...rest) => next[request] ?? load(request, ...rest);

const dist = dirname(require.resolve('@roq/nextjs'));
const { Session } = require(join(dist, 'lib/session.js'));
const { sessionHandler } = require(join(dist, 'handlers/session.js'));
const { refetchSessionHandler } = require(join(dist, 'handlers/refetch-session.js'));

serve({
  mint: (accessToken, idToken, refreshToken) => Session.createSessionToken(accessToken, idToken, refreshToken),
  sign: (payload) => Session.signSessionTokenPayload(payload),
  // The name of the cookie that a token is kept in.
  cookie: (token) => Session.tokenToCookie(token, 0)[0],
  // What an application is told of a token: the session, or null.
  async judge(token) {
    const payload = await Session.verifyToken(token);
    return payload && Session.isValid(payload) ? Session.generateServerSession(payload) : null;
  },
  // Fetches a session anew, as the application does that a page asks for it.
  async refetch(token) {
    const { body, status, cookie } = await refetchSessionHandler({ cookies: { get: () => token && { value: token } } });
    return { body, status, cookie };
  },
  // Starts an application that has the package's session endpoint, and returns
  // its address.
  listen: () =>
    new Promise((resolve) => {
      const app = createServer(async (request, response) => {
        cookies = new Map((request.headers.cookie ?? '').split('; ').map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
        const { body, status } = await sessionHandler();
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
      app.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${app.address().port}`));
    }),
});
