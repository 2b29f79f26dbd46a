// Keeps the page as the platform is: asks once a second while somebody looks.
// Only sections that differ are replaced, so that a button does not vanish under
// the pointer because a request came in; focus stays where it was.
const live = document.getElementById('live');

async function update() {
  if (document.hidden) return;
  try {
    const response = await fetch('/live', { cache: 'no-store' });
    if (!response.ok) return;
    const now = document.createElement('template');
    now.innerHTML = await response.text();
    const focused = document.activeElement?.id;
    for (const section of now.content.querySelectorAll('section')) {
      const shown = live.querySelector(`section[aria-labelledby="${section.getAttribute('aria-labelledby')}"]`);
      if (shown.outerHTML !== section.outerHTML) shown.replaceWith(section);
    }
    if (focused && !document.activeElement?.id) document.getElementById(focused)?.focus();
    live.setAttribute('aria-busy', 'false');
  } catch {
    live.setAttribute('aria-busy', 'true'); // roqdev has ended, or is starting again
  }
}

setInterval(update, 1000);
document.addEventListener('visibilitychange', update);
