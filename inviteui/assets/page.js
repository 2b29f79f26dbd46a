// Improvements of the page, which also works without this file.
const page = document.getElementById('rq');

// A form that was sent says so, and is not sent twice.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.matches('.rq form[data-once]')) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = '1';
  const button = event.submitter;
  if (button?.dataset.busy) {
    button.dataset.label = button.textContent;
    button.textContent = button.dataset.busy;
    button.setAttribute('aria-busy', 'true');
  }
});
// Back again, perhaps from the browser's memory.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('.rq form[data-sent]')) delete form.dataset.sent;
  for (const button of document.querySelectorAll('.rq [data-label]')) {
    button.textContent = button.dataset.label;
    button.removeAttribute('aria-busy');
  }
});

// Select the whole page at once; buttons for many work when somebody is selected.
const picks = () => [...document.querySelectorAll('#rq-many input[name="id"]')];
const prepare = () => {
  const form = document.getElementById('rq-many');
  if (!form) return;
  const head = form.querySelector('th.pick');
  if (!head.querySelector('input') && picks().length) {
    const all = document.createElement('input');
    all.type = 'checkbox';
    all.setAttribute('aria-label', head.textContent.trim());
    all.addEventListener('change', () => { for (const pick of picks()) pick.checked = all.checked; update(); });
    head.append(all);
  }
  form.addEventListener('change', update);
  update();
};
const update = () => {
  const form = document.getElementById('rq-many');
  const some = form.querySelector('input[name="all"]')?.checked || picks().some((pick) => pick.checked);
  for (const button of form.querySelectorAll('button')) button.disabled = !some;
};
prepare();
addEventListener('pageshow', () => { if (document.getElementById('rq-many')) update(); });

// The page follows what happens.
if (page) {
  const count = (status, by) => {
    const at = page.querySelector(`[data-count="${CSS.escape(status)}"]`);
    if (!at || !by) return;
    at.dataset.n = Math.max(0, Number(at.dataset.n) + by);
    at.textContent = Number(at.dataset.n).toLocaleString(document.documentElement.lang);
  };
  const bar = () => {
    const parts = [...page.querySelectorAll('.bar rect')];
    const counts = parts.map((part) => Number(page.querySelector(`[data-count="${part.classList[0]}"]`)?.dataset.n ?? 0));
    const all = Math.max(1, counts.reduce((a, b) => a + b, 0));
    let from = 0;
    parts.forEach((part, i) => {
      const width = Math.floor((counts[i] * 1000) / all);
      part.setAttribute('x', from);
      part.setAttribute('width', width);
      from += width;
    });
  };
  // Whether the report that is followed is not in the answer.
  const refresh = async (...ids) => {
    const response = await fetch(location.href, { cache: 'no-store' });
    if (!response.ok) return false;
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
    const typed = document.getElementById('rq-emails');
    const left = fresh.getElementById('rq-emails');
    if (ids.includes('rq-report') && typed && left && !typed.value) typed.value = left.value;
    if (working() && fresh.querySelector('[data-missing]') && ++missed < 40) return true;
    for (const id of ids) {
      const old = document.getElementById(id);
      const next = fresh.getElementById(id);
      if (old && next) old.replaceWith(document.adoptNode(next));
    }
    since = latest(fresh.getElementById('rq')) ?? since;
    prepare();
    return false;
  };
  // When the latest change was that the list and its counts have.
  const latest = (of) => {
    const at = Date.parse(new URLSearchParams(of?.dataset.events.split('?')[1]).get('since'));
    return Number.isNaN(at) ? undefined : at;
  };
  let since = latest(page);
  // A send is followed until its report is there. Without a stream, the page is read now
  // and then. Behind a proxy another instance may answer, which has no report: then what is
  // known stays, and the next answer may be that of the right one.
  const working = () => document.getElementById('rq-progress');
  let missed = 0;
  const ended = async () => {
    for (let tries = 0; tries < 4; tries++) {
      const missing = await refresh('rq-report', 'rq-list').catch(() => false);
      if (!missing) break;
    }
    if (working()) setTimeout(() => (events.readyState === EventSource.CLOSED ? ended() : connect()), 2000);
  };
  const searching = new URLSearchParams(location.search).has('search');
  let events;
  const connect = () => {
    events?.close();
    events = new EventSource(page.dataset.events);
    events.addEventListener('change', (event) => {
      const change = JSON.parse(event.data);
      const row = document.getElementById('i-' + change.id);
      if (row && change.html) {
        const picked = row.querySelector('input[name="id"]')?.checked;
        const focus = row.contains(document.activeElement) && document.activeElement;
        const template = document.createElement('template');
        template.innerHTML = change.html;
        const next = template.content.firstElementChild;
        row.replaceWith(next);
        next.classList.add('new');
        setTimeout(() => next.classList.remove('new'), 100);
        const pick = next.querySelector('input[name="id"]');
        if (pick) pick.checked = picked;
        if (focus) {
          next.tabIndex = -1; // it may have nothing else to do
          const same = [...next.querySelectorAll('a, input')].find((e) => e.className === focus.className && e.tagName === focus.tagName);
          (same ?? next).focus();
        }
        update();
      } else if (row && !change.status) {
        // It was removed. What is on other pages moves up.
        const near = row.nextElementSibling ?? row.previousElementSibling;
        if (row.contains(document.activeElement)) near?.querySelector('a, input')?.focus();
        row.remove();
        update();
        if (!near || page.querySelector('.pages')) document.getElementById('rq-news').hidden = false;
      } else {
        document.getElementById('rq-news').hidden = false;
      }
      if (!searching && !(Date.parse(change.at) <= since)) {
        if (change.was) count(change.was, -1); else count('', 1);
        if (change.status) count(change.status, 1); else count('', -1);
        bar();
      }
    });
    events.addEventListener('list', () => { document.getElementById('rq-news').hidden = false; });
    events.addEventListener('progress', (event) => {
      const stop = document.getElementById('rq-report').contains(document.activeElement);
      document.getElementById('rq-report').innerHTML = JSON.parse(event.data);
      if (stop) document.querySelector('#rq-report button')?.focus();
    });
    events.addEventListener('done', ended);
    events.addEventListener('expired', () => events.close());
    events.addEventListener('error', () => { if (events.readyState === EventSource.CLOSED && working()) ended(); });
  };
  connect();
}
