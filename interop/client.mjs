// @roq/client, as a page in a visitor's browser uses it. All it wants of a
// browser here is the cookies.
import { pathToFileURL } from 'node:url';
import { require, serve } from './lines.mjs';

const { BrowserCookieAuth, RoqPlatformClient } = await import(pathToFileURL(require.resolve('@roq/client')));

let roqBrowserClient;
serve({
  connect({ host, sessionToken }) {
    globalThis.document = { cookie: `roq-session-token=${sessionToken}` };
    roqBrowserClient = new RoqPlatformClient({ host, auth: new BrowserCookieAuth() });
  },
  call: (operation, variables) => roqBrowserClient.roqPlatform[operation](variables),
});
