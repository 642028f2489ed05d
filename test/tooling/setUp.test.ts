import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runProcess } from '../support/childProcess.js';
import { root } from '../support/root.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const printArguments = "console.log('arguments:', process.argv.slice(2).join(' '));\n";

/** A small checkout: the project's scripts and settings, one kernel, a command that prints its arguments. */
function makeCheckout(t: TestContext): string {
  const folder = temporaryFolder(t);
  for (const name of ['scripts', 'package.json', 'package-lock.json', 'tsconfig.json', 'asconfig.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'assembly'));
  writeFileSync(
    join(folder, 'assembly', 'kernels.ts'),
    'export function first(at: usize): i32 { return load<i32>(at); }\n',
  );
  mkdirSync(join(folder, 'src', 'cli'), { recursive: true });
  writeFileSync(join(folder, 'src', 'cli', 'main.ts'), printArguments);
  // Those of which the bundle makes one part.
  for (const name of ['runCommand.ts', 'nodeServices.ts']) {
    writeFileSync(join(folder, 'src', 'cli', name), 'export {};\n');
  }
  for (const room of ['kernel', 'ssgd']) mkdirSync(join(folder, 'src', room));
  writeFileSync(join(folder, 'src', 'kernel', 'kernelWorker.ts'), 'export {};\n');
  writeFileSync(join(folder, 'src', 'ssgd', 'linearWorker.ts'), 'export {};\n');
  const duckdb = join(folder, 'src', 'data', 'table', 'duckdb');
  mkdirSync(duckdb, { recursive: true });
  writeFileSync(join(duckdb, 'duckdbProcess.ts'), 'export {};\n');
  const predictor = join(folder, 'src', 'model', 'export', 'predictor');
  mkdirSync(predictor, { recursive: true });
  writeFileSync(join(predictor, 'predictor.ts'), 'export {};\n');
  return folder;
}

const start = (folder: string, ...args: string[]) =>
  runProcess(process.execPath, [join(folder, 'scripts', 'start.mjs'), ...args]);

test('start builds once, runs the main job or what is given, and notices changes', async (t) => {
  const folder = makeCheckout(t);
  const extra = join(folder, 'src', 'extra.ts');
  writeFileSync(extra, 'export const extra = 1;\n');

  const first = await start(folder);
  assert.equal(first.stdout, 'arguments: ssgd digits --buffer=1 --simulated\n', first.stderr);
  assert.match(first.stderr, /^mlml: building \.\.\. \d+\.\d s\n$/);

  const second = await start(folder, 'info', 'x', '--json');
  assert.deepEqual([second.stdout, second.stderr], ['arguments: info x --json\n', '']);

  writeFileSync(join(folder, 'src', 'cli', 'main.ts'), `${printArguments}console.log('changed');\n`);
  const changed = await start(folder, 'plan');
  assert.equal(changed.stdout, 'arguments: plan\nchanged\n');

  assert.ok(existsSync(join(folder, 'dist', 'src', 'extra.js')));
  rmSync(extra);
  const removed = await start(folder, 'plan');
  assert.match(removed.stderr, /building/);
  assert.equal(existsSync(join(folder, 'dist', 'src', 'extra.js')), false);
  assert.equal(existsSync(join(folder, 'dist', 'src', 'extra.d.ts')), false);

  for (const output of ['src', 'bundle']) {
    rmSync(join(folder, 'dist', output, 'cli', 'main.js'));
    const mended = await start(folder, 'plan');
    assert.equal(mended.stdout, 'arguments: plan\nchanged\n');
    assert.match(mended.stderr, /building/);
  }
});

test('a failed build is one message with the end of the compiler output, and is tried again', async (t) => {
  const folder = makeCheckout(t);
  writeFileSync(join(folder, 'src', 'wrong.ts'), "export const wrong: number = 'text';\n");
  const failed = await start(folder);
  assert.equal(failed.status, 1);
  assert.equal(failed.stdout, '');
  assert.match(
    failed.stderr,
    /building \.\.\. failed\nmlml: building failed \(exit status \d\); the output:\n/,
  );
  assert.match(failed.stderr, /src\/wrong\.ts\(1,14\): error TS2322/);
  assert.doesNotMatch(failed.stderr, /at .*\.mjs/);

  writeFileSync(join(folder, 'src', 'wrong.ts'), 'export const right: number = 1;\n');
  const mended = await start(folder, 'plan');
  assert.equal(mended.stdout, 'arguments: plan\n', mended.stderr);
});

test('two set-ups at once take turns, and the lock of a dead one is taken over', async (t) => {
  const folder = makeCheckout(t);
  const results = await Promise.all([start(folder, 'one'), start(folder, 'two')]);
  assert.deepEqual(
    results.map(({ stdout }) => stdout),
    ['arguments: one\n', 'arguments: two\n'],
  );
  const messages = results.map(({ stderr }) => stderr).join('');
  assert.equal(messages.match(/building/g)?.length, 1, messages);

  rmSync(join(folder, 'dist'), { recursive: true });
  const dead = await runProcess(process.execPath, ['-e', 'console.log(process.pid, os.hostname())']);
  writeFileSync(join(folder, '.setup.lock'), dead.stdout);
  const after = await start(folder, 'three');
  assert.equal(after.stdout, 'arguments: three\n', after.stderr);
  assert.equal(existsSync(join(folder, '.setup.lock')), false);
});
