// A lock file, so that two set-ups started at once take turns.
import { linkSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const HEARTBEAT_MS = 2_000;
const STALE_MS = 20_000;
const POLL_MS = 200;

/** The lock's text, or undefined once it is gone. */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether the holder died: its process is gone, or (on another machine, or after a reboot) its heartbeat stopped. */
function isStale(path, text) {
  const [pid, host] = text.trim().split(' ');
  if (host === hostname() && pid !== '' && !isAlive(Number(pid))) return true;
  try {
    return Date.now() - statSync(path).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

/** Takes a dead holder's lock away. Renaming first makes sure that what is removed is what was looked at. */
function removeStale(path, text) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (read(aside) !== text) linkSync(aside, path);
    unlinkSync(aside);
  } catch {
    // Another process was quicker.
  }
}

/** Runs `body` while holding the lock file at `path`; `onWait` is called once when another process holds it. */
export async function withLock(path, onWait, body) {
  const mine = `${process.pid} ${hostname()}\n`;
  for (let waited = false; ; ) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const text = read(path);
    if (text !== undefined && isStale(path, text)) {
      removeStale(path, text);
      continue;
    }
    if (!waited) onWait();
    waited = true;
    await sleep(POLL_MS);
  }
  const heartbeat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // Somebody removed the lock by hand; nothing to keep alive.
    }
  }, HEARTBEAT_MS);
  try {
    return await body();
  } finally {
    clearInterval(heartbeat);
    if (read(path) === mine) unlinkSync(path);
  }
}
