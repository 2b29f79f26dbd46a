// ROQ's own invitation components, as an application that uses @roq/nextjs shows them.
// Sockets are for its chat and notifications; invitations need none.
import { createRoot } from 'react-dom/client';
import { RoqProvider, UserInvitePane, UserInvitesTable } from '@roq/ui-react';
import '@roq/ui-react/dist/index.css';

const host = document.querySelector('meta[name="platform"]').content;

createRoot(document.getElementById('root')).render(
  <RoqProvider config={{ host, auth: { useRoqAuth: true }, socket: false }}>
    <UserInvitePane />
    <UserInvitesTable />
  </RoqProvider>,
);
