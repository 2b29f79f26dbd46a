// @roq/nodejs, as a backend uses it.
import { require, serve } from './lines.mjs';

const { Platform } = require('@roq/nodejs');

let roq;
serve({
  // Acts as the user, or without one as the service account.
  connect({ host, environmentId, apiKey, userId }) {
    const platform = new Platform({ host, environmentId, apiKey });
    roq = userId ? platform.asUser(userId) : platform.asSuperAdmin();
  },
  call: (operation, variables) => roq[operation](variables),
});
