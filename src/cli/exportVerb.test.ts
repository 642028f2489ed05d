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

const wrong: readonly (readonly [string, RegExp])[] = [
  ['export', /^export takes one model/],
  ['export runs/mine other --onnx', /^export takes one model/],
  ['export runs/mine', /^export: say which format: --onnx/],
  ['export runs/mine --onnx --precision=float16', /^--precision=float16: must be one of float64, float32/],
];
for (const [line, message] of wrong)
  test(`mlml ${line}`, async () => {
    await assert.rejects(fakeCommand(line.split(' '), { storage: await withModel() }), {
      code: 'MLML_USAGE',
      message,
    });
  });

test('no such model', async () => {
  await assert.rejects(fakeCommand(['export', 'nowhere', '--onnx']), { code: 'MLML_NOT_FOUND' });
});
