// Keeps the page as the platform is: asks once a second while somebody looks, and
// changes it only if something has changed. Focus stays where it was.
const live = document.getElementById('live');
let shown = '';

async function update() {
  if (document.hidden) return;
  try {
    const response = await fetch('/live', { cache: 'no-store' });
    const html = await response.text();
    live.setAttribute('aria-busy', 'false');
    if (!response.ok || html === shown) return;
    const focused = document.activeElement?.id;
    live.innerHTML = html;
    if (focused) document.getElementById(focused)?.focus();
    shown = html;
  } catch {
    live.setAttribute('aria-busy', 'true'); // roqdev has ended, or is starting again
  }
}

update();
setInterval(update, 1000);
document.addEventListener('visibilitychange', update);
