// Keeps a page as the platform is. The server sends only what has changed, so this
// asks for nothing; a page that nobody looks at has no connection.
const rows = 50;
const table = document.getElementById('lines');
const body = table.tBodies[0];
const stale = document.getElementById('stale');

function element(html) {
  const holder = document.createElement('template');
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}

function put(line) {
  const now = element(line.html);
  const shown = document.getElementById(line.id);
  if (!shown) {
    body.prepend(now);
  } else if (shown.outerHTML !== now.outerHTML) {
    const focused = [...shown.querySelectorAll('a, button')].indexOf(document.activeElement);
    shown.replaceWith(now);
    if (focused >= 0) now.querySelectorAll('a, button')[focused]?.focus();
  }
  if (line.after !== undefined) {
    const row = document.getElementById(line.id);
    const above = document.getElementById(line.after);
    if (row.previousElementSibling !== above) above ? above.after(row) : body.prepend(row);
  }
}

function change(notice) {
  for (const [name, total] of Object.entries(notice.totals ?? {})) {
    document.getElementById(`count-${name}`).textContent = total;
  }
  const lines = notice.lines ?? [];
  const more = document.getElementById('more');
  if (notice.whole) {
    const kept = new Set(lines.map((line) => line.id));
    for (const row of [...body.rows]) if (!kept.has(row.id)) row.remove();
    more.hidden = true;
  }
  for (const line of lines) put(line);
  for (const id of notice.gone ?? []) document.getElementById(id)?.remove();
  while (body.rows.length > rows) body.rows[rows].remove();
  table.hidden = body.rows.length === 0;
  document.getElementById('empty').hidden = body.rows.length > 0;
  for (const [id, html] of Object.entries(notice.parts ?? {})) {
    const part = document.getElementById(id);
    if (part && part.innerHTML !== html) part.innerHTML = html;
  }
  if (notice.more) {
    more.firstElementChild.textContent = `${notice.more}. Show the newest`;
    more.hidden = false;
  }
  const pressed = document.querySelector('#state [data-pressed]').dataset.pressed;
  for (const button of document.querySelectorAll('button[name="trouble"]')) {
    button.setAttribute('aria-pressed', String(button.value === pressed));
  }
}

function say(text) {
  stale.textContent = text;
  stale.hidden = text === '';
}

// A browser has few connections to one server, often six. Of the pages that are visible
// at the same time, the four that were used last have one.
const most = 4;
const me = String(Math.random());
const channel = new BroadcastChannel('roqdev');
const later = new Set(); // the pages that were used after this one
const address = new URL(document.body.dataset.events, location.href);
let source;

function stop() {
  source?.close();
  source = undefined;
}

function start() {
  if (source || document.hidden) return;
  source = new EventSource(address);
  source.onopen = () => say('');
  source.onerror = () => say('roqdev does not answer. This page is as it was.');
  source.onmessage = (event) => {
    address.searchParams.set('seen', event.lastEventId); // what this page shows now
    change(JSON.parse(event.data));
  };
}

function use() {
  later.clear();
  channel.postMessage({ used: me });
  start();
}

function leave() {
  stop();
  channel.postMessage({ left: me });
}

channel.onmessage = ({ data }) => {
  if (data.used) later.add(data.used);
  later.delete(data.left);
  if (later.size < most) {
    start();
  } else {
    stop();
    say('This page waits: other pages of roqdev are in use. Click here to go on.');
  }
};
document.addEventListener('visibilitychange', () => document.hidden ? leave() : use());
addEventListener('focus', use);
addEventListener('pointerdown', use);
addEventListener('pagehide', leave);
addEventListener('pageshow', use);
