// Improvements of the page, which also works without this file.

// A form that was sent says so, and is not sent twice.
for (const form of document.querySelectorAll('form[method="post"]')) {
  const button = form.querySelector('button');
  const label = button.textContent;
  form.addEventListener('submit', () => {
    button.textContent = 'One moment…';
    button.disabled = true;
    form.setAttribute('aria-busy', 'true');
  });
  // Back again, perhaps from the browser's memory.
  addEventListener('pageshow', () => {
    button.textContent = label;
    button.disabled = false;
    form.removeAttribute('aria-busy');
  });
}

// Statuses change by themselves while somebody looks.
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
  // The list may be old now: the browser connects again by itself.
  events.onerror = () => list.setAttribute('aria-busy', 'true');
}
