import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runProcess } from '../support/childProcess.js';
import { root } from '../support/root.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Runs the check over a tree with these files below src/; gives the exit status and the problems. */
async function check(t: TestContext, files: Record<string, string>) {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, 'src', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const script = join(root, 'scripts', 'checkImports.mjs');
  const { status, stderr } = await runProcess(process.execPath, [script, folder]);
  return { status, problems: stderr.split('\n').slice(0, -2) };
}

test('imports from lower rooms to upper ones pass', async (t) => {
  const result = await check(t, {
    'cli/main.ts': "import { run } from '../run/log.js';\nimport { train } from '../mlml.js';\n",
    'mlml.ts': "export { train } from './ssgd/train.js';\n",
    'run/log.ts': "import type { Event } from '../ssgd/train.js';\nexport const run = 1;\n",
    'ssgd/train.ts': "import { Dataset } from '../data/dataset.js';\nimport { fail } from '../errors.js';\n",
    'data/dataset.ts': "export * from '../storage/storage.js';\nimport { a } from './import/csv.js';\n",
    'data/import/csv.ts': "import { dot } from '../../arithmetic/dot.js';\n",
    'arithmetic/dot.ts': "import { arena } from '../memory/arena.js';\n",
    'storage/storage.ts': "import { open } from 'node:fs/promises';\n",
    'data/dataset.test.ts': "import { train } from '../ssgd/train.js';\nimport { rmSync } from 'node:fs';\n",
  });
  assert.deepEqual(result, { status: 0, problems: [] });
});

test('an import from an upper room to a lower one is named with file, line and what is allowed', async (t) => {
  const result = await check(t, {
    'data/dataset.ts': "// A comment.\n\nimport {\n  train,\n} from '../ssgd/train.js';\n",
    'ssgd/train.ts': "export { log } from '../run/log.js';\nconst cli = await import('../cli/main.js');\n",
    'storage/storage.ts': "import '../memory/plan.js';\n",
    'errors.ts': "import type { Plan } from './memory/plan.js';\n",
  });
  assert.equal(result.status, 1);
  assert.deepEqual(result.problems, [
    'src/data/dataset.ts:3: data may not import ssgd (../ssgd/train.js); it may import storage, memory, arithmetic, errors.ts',
    'src/errors.ts:1: errors.ts may not import memory (./memory/plan.js); it may import errors.ts',
    'src/ssgd/train.ts:1: ssgd may not import run (../run/log.js); it may import data, threads, storage, memory, arithmetic, errors.ts',
    'src/ssgd/train.ts:2: ssgd may not import cli (../cli/main.js); it may import data, threads, storage, memory, arithmetic, errors.ts',
    'src/storage/storage.ts:1: storage may not import memory (../memory/plan.js); it may import errors.ts',
  ]);
});

test('only storage and the kernel loader may import the file system', async (t) => {
  const result = await check(t, {
    'storage/nodeStorage.ts': "import { constants } from 'node:fs';\n",
    'arithmetic/kernels.ts': "import { readFileSync } from 'node:fs';\n",
    'arithmetic/dot.ts': "import { readFileSync } from 'node:fs';\n",
    'data/dataset.ts': "import type { FileHandle } from 'node:fs/promises';\nimport * as fs from 'fs';\n",
  });
  assert.equal(result.status, 1);
  assert.deepEqual(
    result.problems.map((problem) => problem.split(';')[0]),
    [
      'src/arithmetic/dot.ts:1: only src/storage may import node:fs',
      'src/data/dataset.ts:1: only src/storage may import node:fs/promises',
      'src/data/dataset.ts:2: only src/storage may import fs',
    ],
  );
});

test('a room that may take only types is told so when it takes values', async (t) => {
  const result = await check(t, {
    'run/log.ts':
      "import { type Event } from '../ssgd/events.js';\nimport type { Loss } from '../ssgd/loss.js';\n",
  });
  assert.deepEqual(result, {
    status: 1,
    problems: ['src/run/log.ts:1: run may import only types from ssgd: use "import type"'],
  });
});

test('unknown rooms and paths out of src/ are refused', async (t) => {
  const result = await check(t, {
    'cloud/upload.ts': 'export const a = 1;\n',
    'data/dataset.ts': "import { helper } from '../../test/helper.js';\n",
  });
  assert.deepEqual(result, {
    status: 1,
    problems: [
      'src/cloud/upload.ts:1: cloud is no known room; add it to the table in scripts/checkImports.mjs',
      'src/data/dataset.ts:1: ../../test/helper.js is outside src/',
    ],
  });
});

test('examples in comments and template literals are no imports', async (t) => {
  const result = await check(t, {
    'storage/storage.ts': [
      '/**',
      " * import { train } from '../ssgd/train.js';",
      ' */',
      "// import '../cli/main.js';",
      'export const help = `',
      "import { train } from '../ssgd/train.js';",
      '`;',
      "export const url = 'https://example.org';",
    ].join('\n'),
  });
  assert.deepEqual(result, { status: 0, problems: [] });
});
