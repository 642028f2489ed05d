import assert from 'node:assert/strict';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type ErrorCode, errorCodes } from '../src/errors.js';
import { Random } from '../src/memory/random.js';
import { runCli } from './support/cli.js';
import { startAndPause } from './support/signalled.js';
import { fillDisk, smallDisk, smallDiskUnavailable } from './support/smallDisk.js';

const KERNEL = ['--kernel=rbf', '--sigma=5', '--buffer=8', '--tile=128', '--nthreads=2'];
/** Tiles of 700 rows by 128. */
const TILES = 21;
const TILE_BYTES = 128 * 128 * 4;

describe('a stored kernel that is damaged, in use, or of other rows: a clear error, and nothing silently wrong', () => {
  let folder = '';
  let memId = '';

  const run = async (t: TestContext, cwd: string, ...args: string[]) => {
    const { status, stdout, stderr } = await runCli(t, args, { cwd });
    assert.equal(status, 0, `mlml ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const json = async (t: TestContext, cwd: string, ...args: string[]) =>
    JSON.parse(await run(t, cwd, ...args, '--json', '--quiet'));

  /** The command fails with this error: one line, its exit status, nothing on stdout, no stack trace. */
  const fails = async (
    t: TestContext,
    cwd: string,
    args: readonly string[],
    code: ErrorCode,
    message: RegExp,
  ) => {
    const { status, stdout, stderr } = await runCli(t, [...args, '--quiet'], { cwd });
    const line = `mlml ${args.join(' ')}: ${stderr}`;
    assert.match(stderr, new RegExp(`^${code}: [^\n]+\n$`), line);
    assert.match(stderr, message, line);
    assert.equal(status, errorCodes[code].exitStatus, line);
    assert.equal(stdout, '');
  };

  /** The data and the undamaged kernel, in a folder of its own. */
  const copy = (t: TestContext) => {
    const cwd = mkdtempSync(join(folder, 'copy-'));
    for (const name of ['small', 'kernels']) cpSync(join(folder, name), join(cwd, name), { recursive: true });
    t.after(() => rmSync(cwd, { recursive: true, force: true }));
    const at = (file: string) => join(cwd, 'kernels', memId, file);
    const edit = (change: (text: string) => string) =>
      writeFileSync(at('kernel.json'), change(readFileSync(at('kernel.json'), 'utf8')));
    return { cwd, at, edit };
  };
  const bytesOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const isWhole = (path: string) =>
    readFileSync(path).equals(readFileSync(join(folder, 'kernels', memId, 'tiles.bin')));
  const solve = (verb: string, ...more: string[]) => [
    verb,
    'small',
    `--memId=${memId}`,
    '--buffer=5',
    ...more,
  ];
  const generate = ['generate', 'small', ...KERNEL];

  before(async (t) => {
    folder = mkdtempSync(join(tmpdir(), 'mlml-damage-'));
    await run(t as TestContext, folder, 'import', 'digits', '--n=700', '--nt=100', '--out=small', '--quiet');
    const made = await json(t as TestContext, folder, ...generate);
    memId = made.memId;
    assert.equal(made.tiles, TILES);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('a flipped bit in a tile: each solver refuses, verify marks it, generate makes that tile again', async (t) => {
    const random = Random.of(20161123);
    const { cwd, at } = copy(t);
    const place = random.below(TILES * TILE_BYTES);
    const bytes = readFileSync(at('tiles.bin'));
    bytes[place]! ^= 1 << random.below(8);
    writeFileSync(at('tiles.bin'), bytes);
    const tile = `tile ${Math.floor(place / TILE_BYTES)} \\(rows \\d+ to \\d+, columns \\d+ to \\d+\\)`;
    for (const verb of ['cg', 'bcd', 'closed', 'ssgd'])
      await fails(t, cwd, solve(verb), 'MLML_CHECKSUM', new RegExp(`tiles.bin: ${tile}.*checksum`));
    // No factor, no state, no lock is left.
    assert.deepEqual(
      readdirSync(at('.'), { recursive: true }).filter((name) => name !== 'jobs'),
      ['kernel.json', 'tiles.bin', 'tiles.log'],
    );
    const verify = ['kernels', 'verify', memId];
    await fails(t, cwd, verify, 'MLML_CHECKSUM', new RegExp(`${tile}: damaged.*marked`));
    await fails(t, cwd, solve('cg'), 'MLML_NOT_FOUND', /not complete: 20 of 21 tiles/);
    const made = await json(t, cwd, ...generate);
    assert.equal(made.tilesMade, 1);
    assert.ok(isWhole(at('tiles.bin')));
    await run(t, cwd, ...verify);
  });

  const files: readonly (readonly [
    name: string,
    damage: (at: (file: string) => string) => void,
    code: ErrorCode,
    message: RegExp,
    missing: number,
  ])[] = [
    [
      'tiles.bin cut short',
      (at) => truncateSync(at('tiles.bin'), 10 * TILE_BYTES + 5),
      'MLML_BAD_FILE',
      /tiles\.bin: has 655365 bytes; tile 20 .* ends at byte 1376256; the file is cut short.*verify/,
      11,
    ],
    ['tiles.bin lost', (at) => rmSync(at('tiles.bin')), 'MLML_BAD_FILE', /tiles\.bin: has 0 bytes/, TILES],
    [
      'tiles.log cut inside a record',
      (at) => truncateSync(at('tiles.log'), 5 * 16 + 7),
      'MLML_NOT_FOUND',
      /not complete: 5 of 21 tiles are there; give the same generate command again/,
      16,
    ],
    ['tiles.log lost', (at) => rmSync(at('tiles.log')), 'MLML_NOT_FOUND', /0 of 21 tiles are there/, TILES],
    [
      'a flipped bit in tiles.log',
      (at) => {
        const bytes = readFileSync(at('tiles.log'));
        bytes[3 * 16 + 5]! ^= 8;
        writeFileSync(at('tiles.log'), bytes);
      },
      'MLML_NOT_FOUND',
      /20 of 21 tiles are there/,
      1,
    ],
  ];
  for (const [name, damage, code, message, missing] of files) {
    test(`${name}: refused, and made whole again`, async (t) => {
      const { cwd, at } = copy(t);
      damage(at);
      await fails(t, cwd, solve('cg'), code, message);
      if (code === 'MLML_BAD_FILE') {
        await fails(t, cwd, generate, code, message);
        await fails(t, cwd, ['kernels', 'verify', memId], 'MLML_CHECKSUM', /cut short, and marked now/);
      }
      const made = await json(t, cwd, ...generate);
      assert.equal(made.tilesMade, missing);
      assert.ok(isWhole(at('tiles.bin')));
      await run(t, cwd, 'kernels', 'verify', memId);
    });
  }

  test('kernel.json damaged or changed: refused by all, and can be removed', async (t) => {
    const { cwd, at, edit } = copy(t);
    const text = readFileSync(at('kernel.json'), 'utf8');
    const changes: readonly (readonly [RegExp, string, ErrorCode, RegExp])[] = [
      [/"tileSize": \d+/, '"tileSize": -3', 'MLML_BAD_FILE', /field 'tileSize' is -3/],
      [/"version": 1/, '"version": 9', 'MLML_VERSION', /version 9 is newer/],
      // Each of these would give other results without a word.
      [/"lengthscale": 5/, '"lengthscale": 6', 'MLML_BAD_FILE', /field 'memId'.*one of them was changed/],
      [/"scale": "unit"/, '"scale": "none"', 'MLML_BAD_FILE', /field 'memId'/],
      [/"rows": 700,\s*"columns": 700/, '"rows": 600, "columns": 600', 'MLML_BAD_FILE', /field 'memId'/],
      [/"kind": "rbf"/, '"kind": "rbx"', 'MLML_BAD_FILE', /field 'kernel.kind' is "rbx"/],
      [/"tileSize": 128/, '"tileSize": 64', 'MLML_NOT_FOUND', /21 of 66 tiles/],
      [/"tileSize": 128/, '"tileSize": 256', 'MLML_BAD_FILE', /tiles\.bin: has 1376256 bytes/],
      [/"data"[\s\S]*$/, '', 'MLML_BAD_FILE', /kernel\.json: is not JSON/],
    ];
    for (const [what, instead, code, message] of changes) {
      edit(() => text.replace(what, instead));
      await fails(t, cwd, solve('cg'), code, message);
    }
    await fails(t, cwd, generate, 'MLML_BAD_FILE', /is not JSON/);
    await fails(t, cwd, ['kernels'], 'MLML_BAD_FILE', /kernel\.json: is not JSON/);
    await run(t, cwd, 'kernels', 'rm', memId);
    assert.deepEqual(readdirSync(join(cwd, 'kernels')), []);
  });

  test('other rows than those it was made from', async (t) => {
    const { cwd } = copy(t);
    await run(t, cwd, 'import', 'digits', '--n=700', '--nt=10', '--seed=1', '--out=other', '--quiet');
    const both = /fingerprints: kernel [0-9a-f]{32}, data [0-9a-f]{32}/;
    for (const verb of ['cg', 'closed']) {
      const other = [verb, 'other', `--memId=${memId}`];
      await fails(t, cwd, other, 'MLML_MISMATCH', both);
      const fingerprints = (await runCli(t, [...other, '--quiet'], { cwd })).stderr.match(/[0-9a-f]{32}/g)!;
      assert.equal(new Set(fingerprints).size, 2);
      await fails(
        t,
        cwd,
        solve(verb, '--subset=300'),
        'MLML_MISMATCH',
        /it has 700 rows \(--subset\), not 300/,
      );
      await fails(t, cwd, solve(verb, '--scale=none'), 'MLML_MISMATCH', /--scale=unit, not none/);
    }
    await fails(t, cwd, ['cg', 'small', '--memId=nothing'], 'MLML_NOT_FOUND', /kernels\/nothing/);
    await fails(
      t,
      cwd,
      ['cg', 'small', '--memId=../kernels'],
      'MLML_USAGE',
      /is not a name of a stored kernel/,
    );
  });

  test('a kernel that is being made: nobody else may touch it', async (t) => {
    const { cwd, at } = copy(t);
    rmSync(join(cwd, 'kernels'), { recursive: true });
    const first = await startAndPause(t, generate, {
      cwd,
      env: { MLML_CHECKPOINT_SECONDS: '0' },
      when: () => bytesOf(at('tiles.log')) > 0,
    });
    const busy = /kernels\/digits-rbf-700-[0-9a-f]{8}: process \d+ on \S+ is writing to it; wait/;
    for (const words of [generate, solve('cg'), ['kernels', 'rm', memId], ['kernels', 'verify', memId]])
      await fails(t, cwd, words, 'MLML_BUSY', busy);
    assert.match(await run(t, cwd, 'kernels'), /\d+ %, being made$/m);
    await first.kill();
    // Its lock does not outlive it.
    await run(t, cwd, ...generate, '--quiet');
    assert.ok(isWhole(at('tiles.bin')));
    assert.deepEqual(readdirSync(at('.')).sort(), ['kernel.json', 'tiles.bin', 'tiles.log']);
  });

  test('a kernel that is read: others may read, nobody may write, and one job is done by one process', async (t) => {
    const { cwd, at } = copy(t);
    const job = solve('cg', '--rank=0', '--tol=1e-9', '--reg=1e-3');
    const pause = { cwd, when: (stderr: string) => /^ +\S+ s +3 /m.test(stderr) };
    const first = await startAndPause(t, [...job, '--out=first'], pause);
    const busy = /: process \d+ on \S+ is reading from it; wait/;
    for (const words of [generate, ['kernels', 'rm', memId]]) await fails(t, cwd, words, 'MLML_BUSY', busy);
    await fails(
      t,
      cwd,
      [...job, '--out=second'],
      'MLML_BUSY',
      /jobs\/[0-9a-f]{16}: process \d+ .* is writing/,
    );
    await run(t, cwd, ...solve('cg', '--quiet', '--out=third'));
    await run(t, cwd, 'kernels', 'verify', memId, '--quiet');
    assert.match(await run(t, cwd, 'kernels'), /complete, in use$/m);
    await first.kill();
    await run(t, cwd, ...generate, '--quiet');
    await run(t, cwd, ...job, '--out=first');
    await run(t, cwd, 'kernels', 'rm', memId);
    assert.deepEqual(readdirSync(join(cwd, 'kernels')), []);
    assert.throws(() => readFileSync(at('kernel.json')));
  });

  test('two processes that compute the same job: the second is told', async (t) => {
    const { cwd } = copy(t);
    const job = ['cg', 'small', ...KERNEL, '--rank=0', '--tol=1e-9', '--reg=1e-3'];
    const pause = { cwd, when: (stderr: string) => /^ +\S+ s +2 /m.test(stderr) };
    const first = await startAndPause(t, [...job, '--out=first'], pause);
    await fails(t, cwd, [...job, '--out=second'], 'MLML_BUSY', /\.mlml-job-[0-9a-f]{16}: process \d+ /);
    await first.kill();
  });

  describe('a disk that becomes full', { skip: smallDiskUnavailable }, () => {
    const env = { MLML_CHECKPOINT_SECONDS: '0' };
    /** Files on a disk; folders do not count. */
    const filesOn = (disk: string) =>
      readdirSync(disk, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort();
    const isThere = (disk: string, file: string) => filesOn(disk).includes(file);

    test('what is known not to fit is refused before anything is written', async (t) => {
      const { cwd } = copy(t);
      const disk = smallDisk(t, 3 << 20);
      const tooSmall = smallDisk(t, 1 << 20);
      const kernels = [`--kernels=${tooSmall}`];
      await fails(
        t,
        cwd,
        [...generate, ...kernels],
        'MLML_DISK_FULL',
        /needs 1\.38 MB of disk space, .* free/,
      );
      assert.deepEqual(filesOn(tooSmall), []);
      await run(t, cwd, ...generate, `--kernels=${disk}`, '--quiet');
      const factor = solve('closed', `--kernels=${disk}`);
      await fails(t, cwd, factor, 'MLML_DISK_FULL', /the Cholesky factor takes .*, .* are free/);
      assert.deepEqual(filesOn(disk), ['kernel.json', 'tiles.bin', 'tiles.log']);
    });

    test('generate: goes on once there is room', async (t) => {
      const { cwd } = copy(t);
      const disk = smallDisk(t, 6 << 20);
      const words = [...generate, `--kernels=${disk}`];
      const path = (file: string) => join(disk, memId, file);
      const when = () => bytesOf(path('tiles.log')) > 0;
      const first = await startAndPause(t, words, { cwd, env, when });
      fillDisk(join(disk, 'filler'));
      const { status, stderr } = await first.goOn();
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^MLML_DISK_FULL: [^\n]*: the disk became full; free some space and [^\n]*goes on\n$/m,
      );
      await fails(t, cwd, words, 'MLML_DISK_FULL', /needs .* of disk space, .* are free/);
      rmSync(join(disk, 'filler'));
      await run(t, cwd, ...words, '--quiet');
      assert.ok(isWhole(path('tiles.bin')));
    });

    test('closed, on its way: says so, and goes on once there is room', async (t) => {
      const { cwd } = copy(t);
      const disk = smallDisk(t, 12 << 20);
      await run(t, cwd, ...generate, `--kernels=${disk}`, '--quiet');
      const words = solve('closed', `--kernels=${disk}`, '--out=full', '--json');
      const when = () => isThere(disk, 'state-1');
      const first = await startAndPause(t, words, { cwd, env, when });
      fillDisk(join(disk, 'filler'));
      const { status, stderr } = await first.goOn();
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^MLML_DISK_FULL: [^\n]*(state-\d\.tmp|cholesky\.factor): [^\n]*free some space[^\n]*\n$/m,
      );
      rmSync(join(disk, 'filler'));
      // The same command, the same --out.
      const end = await runCli(t, words, { cwd, env });
      assert.equal(end.status, 0, end.stderr);
      assert.match(end.stderr, /^resumed: /m);
      const whole = await json(t, cwd, ...solve('closed', '--out=whole'));
      assert.deepEqual(JSON.parse(end.stdout).test, whole.test);
      assert.deepEqual(filesOn(disk), ['kernel.json', 'tiles.bin', 'tiles.log']);
    });

    test('a checkpoint that does not fit: no half of it is left', async (t) => {
      const { cwd } = copy(t);
      const disk = smallDisk(t, 64 << 10);
      const words = [
        'cg',
        'small',
        ...KERNEL,
        '--rank=0',
        `--scratch=${join(disk, 'scratch')}`,
        '--out=full',
      ];
      const { status, stderr } = await runCli(t, [...words, '--quiet'], { cwd, env });
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^MLML_DISK_FULL: [^\n]*\.mlml-job-[0-9a-f]{16}\/state-0[^\n]*disk is full[^\n]*\n$/,
      );
      assert.deepEqual(filesOn(disk), []);
    });
  });
});
