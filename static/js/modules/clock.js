// The server's time: <html data-now> plus the time spent on the page. The computer's own clock is never read.
const start = Date.parse(document.documentElement.dataset.now);

export const now = () => start + performance.now();
