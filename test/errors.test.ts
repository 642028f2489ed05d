import assert from 'node:assert/strict';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { errorCodes } from '../src/errors.js';
import { runCli } from './support/cli.js';
import { root } from './support/root.js';

const document = join(root, 'docs', 'errors.md');
const text = readFileSync(document, 'utf8');
const examples = [...text.matchAll(/```console\n\$ mlml (.*)\n(.*)\n```/g)].map(([, line, message]) => ({
  line: line!,
  message: message!,
}));

/** An MNIST file: magic number, counts, bytes. */
function idx(magic: number, sizes: readonly number[], bytes: number): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(magic, 0);
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, Buffer.alloc(bytes)]);
}

function makeMnist(folder: string, images: Buffer): void {
  const write = (name: string, bytes: Buffer) => writeFileSync(join(folder, name), gzipSync(bytes));
  write('train-images-idx3-ubyte.gz', images);
  write('train-labels-idx1-ubyte.gz', idx(0x801, [3], 3));
  write('t10k-images-idx3-ubyte.gz', idx(0x803, [2, 28, 28], 2 * 784));
  write('t10k-labels-idx1-ubyte.gz', idx(0x801, [2], 2));
}

describe('every error, as docs/errors.md shows it', () => {
  let cwd = '';
  const at = (...parts: string[]) => join(cwd, ...parts);
  const edit = (path: string, change: (description: Record<string, unknown>) => void) => {
    const description = JSON.parse(readFileSync(path, 'utf8'));
    change(description);
    writeFileSync(path, JSON.stringify(description));
  };

  before(async (t) => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), 'mlml-errors-')));
    const make = async (...args: string[]) => {
      const { status, stderr } = await runCli(t as never, args, { cwd });
      assert.equal(status, 0, stderr);
    };
    await make('import', 'digits', '--n=500', '--nt=100', '--out=small');
    await make('ssgd', 'small', '--out=model-run');
    for (const copy of ['short', 'flipped', 'not-json', 'newer'])
      cpSync(at('small'), at(copy), { recursive: true });
    truncateSync(at('short', 'train.rows'), 1000);
    const rows = readFileSync(at('flipped', 'test.rows'));
    rows[777]! ^= 1;
    writeFileSync(at('flipped', 'test.rows'), rows);
    writeFileSync(at('not-json', 'dataset.json'), '{"format": ');
    edit(at('newer', 'dataset.json'), (description) => {
      description['version'] = 99;
    });
    cpSync(at('model-run', 'model'), at('damaged-model'), { recursive: true });
    truncateSync(at('damaged-model', 'weights.bin'), 100);
    for (const name of ['truncated-mnist', 'mislabelled-mnist'])
      cpSync(at('model-run', 'model'), at(name), { recursive: true });
    makeMnist(at('truncated-mnist'), idx(0x803, [3, 28, 28], 1000));
    makeMnist(at('mislabelled-mnist'), idx(0x802, [3, 28, 28], 3 * 784));
    const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);
    writeFileSync(at('nan.rows'), floats(1, 2, 0, 3, Number.NaN, 1, 5, 6, 0));
    writeFileSync(at('labels.rows'), floats(1, 2, 0, 3, 4, 7, 5, 6, 0));
    writeFileSync(at('other.rows'), floats(1, 2, 0, 3, 4, 1, 5, 6, 0));
    await make('import', 'other.rows', '--n=3', '--d=2', '--dtype=float32', '--k=2', '--out=other');
    await make('generate', 'small', '--kernel=rbf', '--sigma=5', '--tile=128');
    const [memId] = readdirSync(at('kernels'));
    for (const copy of ['in-use', 'cut-short'])
      cpSync(at('kernels', memId!), at('kernels', copy), { recursive: true });
    // A lock says whose it is; nobody can see from here whether a process on another machine is alive.
    writeFileSync(at('kernels', 'in-use', '.mlml-writer-office-4711-1-0'), '');
    truncateSync(at('kernels', 'cut-short', 'tiles.bin'), 500_000);
    cpSync(at('small'), at('replaced'), { recursive: true });
    await make('nystrom', 'replaced', '--sigma=5', '--centers=20', '--out=kernel-run');
    await make('ssgd', 'small', '--epochs=1', '--out=earlier');
    rmSync(at('replaced'), { recursive: true });
    await make('import', 'digits', '--n=500', '--nt=100', '--seed=1', '--out=replaced');
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  for (const { line, message } of examples) {
    test(`mlml ${line}`, async (t) => {
      const { status, stderr } = await runCli(t, line.split(' '), { cwd });
      // Models refer to data sets by absolute paths: the document leaves out where this folder lies.
      const last = stderr.trimEnd().split('\n').at(-1)!.replaceAll(cwd, '…');
      if (process.env['MLML_UPDATE_GOLDEN'] === '1') {
        const updated = readFileSync(document, 'utf8').replace(
          `$ mlml ${line}\n${message}\n`,
          () => `$ mlml ${line}\n${last}\n`,
        );
        writeFileSync(document, updated);
        return;
      }
      assert.equal(last, message);
      const code = message.split(':')[0] as keyof typeof errorCodes;
      assert.equal(status, errorCodes[code].exitStatus);
      assert.doesNotMatch(stderr, /^\s+at /m, 'a stack trace');
    });
  }

  test('each code has its section', () => {
    for (const code of Object.keys(errorCodes)) assert.match(text, new RegExp(`^## .*\\b${code}\\b`, 'm'));
    assert.ok(examples.length >= 20);
  });
});
