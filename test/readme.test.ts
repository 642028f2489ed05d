import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runProcess } from './support/childProcess.js';
import { runCli } from './support/cli.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';

/** Fenced blocks of the README with their info string: `sh`, `sh data` (needs the public data sets), `ts`. */
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```(\w[\w ]*)\n([\s\S]*?)```/g)].map(([, kind, text]) => ({
  kind,
  text: text!,
}));
const data = process.env['MLML_DATA'];

describe('the README can be copied and pasted', () => {
  test('every command, in order, in one folder', async (t) => {
    const cwd = temporaryFolder(t);
    let commands = 0;
    for (const { kind, text } of blocks) {
      if (kind !== 'sh' && !(kind === 'sh data' && data !== undefined)) continue;
      for (const line of text.trim().split('\n')) {
        assert.match(line, /^npx mlml /);
        const args = line.replace('npx mlml ', '').split(' ');
        const { status, stderr } = await runCli(t, args, { cwd, env: { MLML_DATA: data } });
        assert.equal(status, 0, `${line}\n${stderr}`);
        commands++;
      }
    }
    assert.ok(commands >= 8, `${commands} commands`);
  });

  test('the TypeScript examples', async (t) => {
    const examples = blocks.filter(({ kind }) => kind === 'ts');
    assert.equal(examples.length, 2);
    // Below dist, so that the package finds itself by its name. The example uses no type annotation.
    const folder = join(root, 'dist', `readme-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const wanted = [/^accuracy 0\.[89]/m, /^learnt 5000 rows Float64Array\(1\) \[ 1 \]/m];
    for (const [i, { text }] of examples.entries()) {
      const path = join(folder, `example${i}.mjs`);
      writeFileSync(path, text);
      const { status, stdout, stderr } = await runProcess(process.execPath, [path], { cwd: folder });
      assert.equal(status, 0, stderr);
      assert.match(stdout, wanted[i]!);
    }
  });
});
