import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built command line. */
export const command = fileURLToPath(new URL('../../bundle/cli/main.js', import.meta.url));

/** Runs mlml in a folder to its end; throws what it said when it fails. */
export function runMlml(
  folder: string,
  args: readonly string[],
): { readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    encoding: 'utf8',
    cwd: folder,
  });
  if (status !== 0) throw new Error(`mlml ${args.join(' ')} failed: ${stderr}`);
  return { stdout, stderr };
}
