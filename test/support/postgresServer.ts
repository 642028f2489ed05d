import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The newest PostgreSQL that is installed where Debian puts it. */
function serverFolder(): string | undefined {
  const folder = '/usr/lib/postgresql';
  if (!existsSync(folder)) return undefined;
  const newest = readdirSync(folder).sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(folder, newest, 'bin');
}

/** PostgreSQL refuses to run as root: then an ordinary user of the system runs it. */
function ordinaryUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

export interface PostgresServer {
  /** Of a database, as the user mlml with a password that nobody asks for. */
  readonly address: string;
  readonly port: number;
  stop(): void;
}

/** Why there is no server to test with; false when there may be one. */
export const withoutPostgres: string | false =
  serverFolder() === undefined ? 'needs PostgreSQL in /usr/lib/postgresql' : false;

/** Starts a server with an empty database in a temporary folder. */
export function startPostgres(port: number): PostgresServer {
  const bin = serverFolder()!;
  const folder = mkdtempSync(join(tmpdir(), 'mlml-postgres-'));
  const user = ordinaryUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const run = (command: string, args: readonly string[], input = '') => {
    const result = spawnSync(join(bin, command), args, { ...user, cwd: folder, input, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${command}: ${result.stderr ?? result.error}`);
  };
  const data = join(folder, 'data');
  run('initdb', ['-D', data, '-U', 'mlml', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C']);
  run('pg_ctl', [
    ...['-D', data, '-w', '-l', join(folder, 'log')],
    ...['-o', `-k ${folder} -p ${port} -c listen_addresses=127.0.0.1 -c fsync=off`, 'start'],
  ]);
  return {
    address: `postgres://mlml:secret%20word@127.0.0.1:${port}/postgres`,
    port,
    stop() {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
