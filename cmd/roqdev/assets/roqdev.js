// Keeps a page as the platform is. The server sends only what has changed, so this
// asks for nothing; a page that nobody looks at has no connection.
const rows = 50;
const table = document.getElementById('lines');
let source;

function element(html) {
  const holder = document.createElement('template');
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}

function put(line) {
  const now = element(line.html);
  const shown = document.getElementById(line.id);
  if (!shown) {
    table.tBodies[0].prepend(now);
  } else if (shown.outerHTML !== now.outerHTML) {
    const focused = [...shown.querySelectorAll('a, button')].indexOf(document.activeElement);
    shown.replaceWith(now);
    if (focused >= 0) now.querySelectorAll('a, button')[focused]?.focus();
  }
}

function change(notice) {
  for (const [name, total] of Object.entries(notice.totals ?? {})) {
    document.getElementById(`count-${name}`).textContent = total;
  }
  for (const line of (notice.lines ?? []).reverse()) put(line);
  for (const id of notice.gone ?? []) document.getElementById(id)?.remove();
  const all = table.tBodies[0].rows;
  while (all.length > rows) all[all.length - 1].remove();
  table.hidden = all.length === 0;
  document.getElementById('empty').hidden = all.length > 0;
  for (const [id, html] of Object.entries(notice.parts ?? {})) {
    const part = document.getElementById(id);
    if (part && part.innerHTML !== html) part.innerHTML = html;
  }
  if (notice.more) {
    const more = document.getElementById('more');
    more.firstElementChild.textContent = `${notice.more}. Show the newest`;
    more.hidden = false;
  }
  const pressed = document.querySelector('#state [data-pressed]').dataset.pressed;
  for (const button of document.querySelectorAll('button[name="trouble"]')) {
    button.setAttribute('aria-pressed', String(button.value === pressed));
  }
}

function listen() {
  source?.close();
  source = undefined;
  if (document.hidden) return;
  source = new EventSource(document.body.dataset.events);
  source.onmessage = (event) => change(JSON.parse(event.data));
}

document.addEventListener('visibilitychange', listen);
addEventListener('pagehide', () => source?.close());
addEventListener('pageshow', listen);
