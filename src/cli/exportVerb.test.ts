import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, threeClasses } from '../../test/support/fakeCommand.js';
import { saveModel } from '../model/saveModel.js';
import { MemoryStorage } from '../storage/memoryStorage.js';

async function withModel(folder = 'runs/mine/model'): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await saveModel(storage, folder, threeClasses);
  return storage;
}

test('export names the file, its inputs and outputs; the name is that of the run', async () => {
  for (const path of ['runs/mine', 'runs/mine/model']) {
    const storage = await withModel();
    const { stdout } = await fakeCommand(['export', path, '--onnx'], { storage });
    const [first, ...rest] = stdout.split('\n');
    assert.match(first!, /^mine\.onnx: \d+ bytes$/);
    assert.deepEqual(rest, [
      '  takes  features: float64 [rows, 2]',
      '  gives  label: string [rows]',
      '  gives  probabilities: float64 [rows, 3]',
      '  gives  scores: float64 [rows, 3]',
      '',
    ]);
    assert.ok(storage.bytesOf('mine.onnx').length > 0);
  }
});

test('--out, and floats', async () => {
  const storage = await withModel();
  const words = ['export', 'runs/mine', '--onnx', '--precision=float32', '--out=other.bin'];
  const { stdout } = await fakeCommand(words, { storage });
  assert.match(stdout, /^other\.bin: .*\n {2}takes {2}features: float32 \[rows, 2\]\n/);
});

test('floats that would round a feature too much are warned of', async () => {
  const storage = new MemoryStorage();
  const { multiply } = threeClasses.scaling;
  const scaling = { name: 'standard' as const, multiply, add: Float64Array.of(-8000, 1.7e6) };
  await saveModel(storage, 'offset', { ...threeClasses, scaling });
  for (const [words, warning] of [
    [['--precision=float32'], /^warning: feature 1: float32 rounds its values to more than a thousandth/],
    [[], /^$/],
  ] as const) {
    const { stderr } = await fakeCommand(['export', 'offset', '--onnx', ...words], { storage });
    assert.match(stderr, warning);
  }
  await saveModel(storage, 'plain', threeClasses);
  const plain = await fakeCommand(['export', 'plain', '--onnx', '--precision=float32'], { storage });
  assert.equal(plain.stderr, '');
});

const wrong: readonly (readonly [string, RegExp])[] = [
  ['export', /^export takes one model/],
  ['export runs/mine other --onnx', /^export takes one model/],
  ['export runs/mine', /^export: say which format: --onnx, --npz, --json, --js$/],
  ['export runs/mine --npz --json', /^export: choose one format: --onnx, --npz, --json, --js$/],
  ['export runs/mine --npz --precision=float32', /^--precision=float32: only --onnx has it/],
  [
    'export runs/mine --js --out=model.ts',
    /^--out=model\.ts: the name of a module must end in \.js or \.mjs$/,
  ],
  ['export runs/mine --onnx --quiet', /^--quiet: is not an option of export/],
  ['export runs/mine --onnx --precision=float16', /^--precision=float16: must be one of float64, float32/],
];
for (const [line, message] of wrong)
  test(`mlml ${line}`, async () => {
    await assert.rejects(fakeCommand(line.split(' '), { storage: await withModel() }), {
      code: 'MLML_USAGE',
      message,
    });
  });

test('the other formats, a file each but for the module, which has its types', async () => {
  const storage = await withModel();
  for (const [format, files] of [
    ['npz', ['mine.npz']],
    ['json', ['mine.json']],
    ['js', ['mine.d.ts', 'mine.js']],
  ] as const) {
    const { stdout } = await fakeCommand(['export', 'runs/mine', `--${format}`], { storage });
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => line.split(': ')[0]),
      files,
    );
    for (const file of files) assert.ok(storage.bytesOf(file).length > 0);
  }
});

test('no such model', async () => {
  await assert.rejects(fakeCommand(['export', 'nowhere', '--onnx']), { code: 'MLML_NOT_FOUND' });
});
