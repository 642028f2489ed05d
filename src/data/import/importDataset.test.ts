import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { mnistFiles, put } from '../../../test/support/originalFiles.js';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import type { MlmlError } from '../../errors.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import { datasetNames } from './datasetNames.js';
import { fetchRawFiles } from './fetchRawFiles.js';
import { importDataset } from './importDataset.js';
import { cacheFolder, locateRawFiles, rawFolders } from './locate.js';
import { mnist } from './mnist.js';
import { datasetFolder, openByName } from './openByName.js';

/** The environment without raw files other than those of the test. */
function isolate(context: TestContext, data: string | undefined, cache: string): void {
  const before = { MLML_DATA: process.env['MLML_DATA'], XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] };
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  set('MLML_DATA', data);
  set('XDG_CACHE_HOME', cache);
  context.after(() => {
    for (const [name, value] of Object.entries(before)) set(name, value);
  });
}

function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}

test('raw files are looked for in --data-dir, $MLML_DATA, ./data and the cache folder', () => {
  const environment = { MLML_DATA: '/shared', XDG_CACHE_HOME: '/cache' };
  assert.deepEqual(rawFolders('spam', '/mine', environment), [
    '/mine/spam',
    '/mine',
    '/shared/spam',
    '/shared',
    'data/spam',
    'data',
    '/cache/mlml/spam',
    '/cache/mlml',
  ]);
  assert.deepEqual(rawFolders('spam', './data', {}).slice(0, 2), ['data/spam', 'data']);
  assert.match(cacheFolder({}), /\.cache\/mlml$/);
});

test('the first folder with all files wins; one with only some is reported', async () => {
  const storage = new MemoryStorage();
  const files = [...mnistFiles(3, 2)];
  await put(storage, `/a/${files[0]![0]}`, files[0]![1]);
  for (const [name, bytes] of files) await put(storage, `/b/${name.replace('-idx', '.idx')}`, bytes);
  const partial: string[] = [];
  const located = await locateRawFiles(storage, mnist, ['/nowhere', '/a', '/b'], (message) =>
    partial.push(message),
  );
  assert.equal(located?.paths[1], '/b/train-labels.idx1-ubyte.gz');
  assert.equal(partial.length, 1);
  assert.match(partial[0]!, /^\/a: has train-images-idx3-ubyte.gz but not train-labels-idx1-ubyte.gz, t10k/);
  assert.equal(await locateRawFiles(storage, mnist, ['/a']), undefined);
});

test('a name is imported once, with a notice, then opened', async (context) => {
  const folder = temporaryFolder(context);
  isolate(context, join(folder, 'shared'), join(folder, 'cache'));
  writeFiles(join(folder, 'shared'), mnistFiles(20, 5));
  const dataDir = join(folder, 'made');
  const notices: string[] = [];
  const options = { dataDir, onNotice: (message: string) => notices.push(message) };
  const first = await openByName(nodeStorage, 'mnist', options);
  assert.equal(first.path, join(dataDir, 'mnist'));
  assert.equal(first.train.rows, 20);
  await first.close();
  assert.equal(notices.length, 1);
  assert.match(
    notices[0]!,
    /mnist has not been imported yet: importing it into .*made\/mnist \(which is new\), once$/,
  );
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const second = await openByName(nodeStorage, 'mnist', { ...options, dtype: 'float32', onWarning });
  await second.close();
  assert.equal(notices.length, 1);
  assert.match(warnings.join(), /imported as uint8, so --dtype=float32 has no effect/);
  const byFolder = await openByName(nodeStorage, join(dataDir, 'mnist'));
  assert.equal(byFolder.description.fingerprint, first.description.fingerprint);
  await byFolder.close();
});

test('a data folder that is not there is not made for a name that cannot be imported', async (context) => {
  const folder = temporaryFolder(context);
  isolate(context, join(folder, 'shared'), join(folder, 'cache'));
  const files = mnistFiles(20, 5, false);
  const images = 'train-images-idx3-ubyte';
  writeFiles(join(folder, 'shared'), new Map([...files, [images, files.get(images)!.subarray(0, 9000)]]));
  for (const dataDir of [join(folder, 'mis/typed'), join(folder, 'there')]) {
    const isThere = dataDir.endsWith('there');
    if (isThere) mkdirSync(dataDir);
    const before = readdirSync(folder);
    await assert.rejects(openByName(nodeStorage, 'mnist', { dataDir }), ({ code, message }: MlmlError) => {
      assert.equal(code, 'MLML_BAD_FILE');
      assert.equal(
        message.endsWith(`; there is no folder ${dataDir}: is --data-dir right?`),
        !isThere,
        message,
      );
      return true;
    });
    assert.deepEqual(readdirSync(folder), before);
  }
});

test('beside original files the data set goes into <name>-dataset', async (context) => {
  const folder = temporaryFolder(context);
  isolate(context, undefined, join(folder, 'cache'));
  const dataDir = join(folder, 'data');
  writeFiles(join(dataDir, 'mnist'), mnistFiles(20, 5));
  assert.equal(await datasetFolder(nodeStorage, 'spam', dataDir), join(dataDir, 'spam'));
  for (const notice of [1, 0]) {
    let notices = 0;
    const dataset = await openByName(nodeStorage, 'mnist', { dataDir, onNotice: () => notices++ });
    assert.equal(dataset.path, join(dataDir, 'mnist-dataset'));
    assert.equal(notices, notice);
    await dataset.close();
  }
});

test('digits are made by the same call, in any dtype that holds bytes', async () => {
  const storage = new MemoryStorage();
  const seen: number[] = [];
  const description = await importDataset(storage, 'digits', {
    out: '/digits',
    n: 30,
    nt: 4,
    seed: 2,
    onProgress: ({ done, total }) => {
      assert.equal(total, 34 * 785);
      seen.push(done);
    },
  });
  assert.deepEqual([description.parts.train.n, description.parts.test.n], [30, 4]);
  assert.equal(seen.at(-1), 34 * 785);
  const wide = await importDataset(storage, 'digits', {
    out: '/wide',
    n: 30,
    nt: 4,
    seed: 2,
    dtype: 'int16',
  });
  assert.equal(wide.dtype, 'int16');
  assert.equal(wide.statistics.maxRowNorm, description.statistics.maxRowNorm);
  const narrow = importDataset(storage, 'digits', { out: '/narrow', n: 30, dtype: 'int8' });
  await assert.rejects(narrow, { code: 'MLML_BAD_DATA', message: /does not fit int8/ });
  const signal = AbortSignal.abort();
  await assert.rejects(importDataset(storage, 'digits', { out: '/x', signal }), { code: 'MLML_INTERRUPTED' });
});

test('what cannot be imported is refused with what to do', async () => {
  const storage = new MemoryStorage();
  await put(storage, '/file', new Uint8Array(9));
  const attempt = (source: string, options: object = {}) =>
    importDataset(storage, source, { out: '/out', ...options });
  await assert.rejects(attempt('mnits'), {
    code: 'MLML_NOT_FOUND',
    message: `mnits: is neither a known data set (${datasetNames.join(', ')}) nor a file or folder`,
  });
  await assert.rejects(attempt('/file'), { code: 'MLML_USAGE', message: /for raw rows give --n, --d/ });
  await assert.rejects(attempt('digits', { n: 0 }), { code: 'MLML_USAGE', message: /--n=0/ });
  await assert.rejects(attempt('digits', { percentage: 2 }), {
    code: 'MLML_USAGE',
    message: /--percentage=2/,
  });
  await assert.rejects(attempt('mnist', { out: '/file' }), { code: 'MLML_EXISTS' });
  await assert.rejects(openByName(storage, 'nothing'), {
    code: 'MLML_NOT_FOUND',
    message: /nothing: is neither/,
  });
});

test('without a network the error names the files, the folder and digits', async (context) => {
  // A port that fetch refuses to connect to.
  const unreachable = {
    ...mnist,
    publicFiles: mnist.publicFiles.map((file) => ({ ...file, urls: [`http://127.0.0.1:9/${file.name}`] })),
  };
  const folder = temporaryFolder(context);
  await assert.rejects(fetchRawFiles(nodeStorage, unreachable, folder, {}), (error: Error) => {
    assert.equal((error as Error & { code: string }).code, 'MLML_DOWNLOAD');
    assert.match(error.message, /^mnist: its original files were not found, and could not download/);
    assert.match(error.message, /train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images/);
    assert.match(error.message, /into \.\/data\/mnist or any folder given with --data-dir/);
    assert.match(error.message, /mlml ssgd digits/);
    return true;
  });
});
