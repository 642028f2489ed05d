// Loaded into a child by runLimited (node --import): at exit, writes the peak resident bytes to $MLML_TEST_PEAK_FILE.
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * The most memory this process has held, in bytes. The kernel's VmHWM belongs to this program alone;
 * resourceUsage().maxRSS does not: it starts at the peak of the process that forked it.
 */
function peakResidentBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const kilobytes = readFileSync('/proc/self/status', 'utf8').match(/^VmHWM:\s+(\d+) kB$/m)?.[1];
  return Number(kilobytes) * 1024;
}

const path = process.env['MLML_TEST_PEAK_FILE'];
if (path !== undefined) {
  // Taken out, so that processes this one starts do not overwrite its figure.
  delete process.env['MLML_TEST_PEAK_FILE'];
  process.on('exit', () => writeFileSync(path, String(peakResidentBytes())));
}
