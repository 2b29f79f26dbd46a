// Statuses that change by themselves while somebody looks. Without this file the
// page works all the same.
const list = document.getElementById('list');
if (list) {
  const here = new URLSearchParams(location.search);
  const events = new EventSource('/events?' + here);
  events.addEventListener('changed', async () => {
    here.set('part', 'list');
    const response = await fetch('/?' + here, { cache: 'no-store' });
    if (!response.ok) return;
    const focused = document.activeElement?.getAttribute('href');
    list.innerHTML = await response.text();
    if (focused) list.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  });
  events.onopen = () => list.removeAttribute('aria-busy');
  events.onerror = () => list.setAttribute('aria-busy', 'true');
}
