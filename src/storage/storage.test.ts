import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';
import { FaultyStorage } from './faultyStorage.js';
import { MemoryStorage } from './memoryStorage.js';
import { nodeStorage } from './nodeStorage.js';
import { PowerLossStorage } from './powerLossStorage.js';
import type { Storage } from './storage.js';
import { readJson, readText, replaceFile } from './textFile.js';

/** A storage and an empty folder in it. */
type Make = (context: TestContext) => { storage: Storage; folder: string };

const implementations: Record<string, Make> = {
  node: (context) => ({ storage: nodeStorage, folder: temporaryFolder(context) }),
  memory: () => ({ storage: new MemoryStorage(), folder: '/base' }),
  'power loss': () => ({ storage: new PowerLossStorage(), folder: '/base' }),
  'faulty without faults': () => ({ storage: new FaultyStorage(new MemoryStorage()), folder: '/base' }),
};

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);

async function put(storage: Storage, path: string, content: Uint8Array = bytes): Promise<void> {
  const file = await storage.create(path);
  await file.write(content, 0);
  await file.close();
}

async function contentOf(storage: Storage, path: string): Promise<Uint8Array> {
  const file = await storage.openRead(path);
  const content = new Uint8Array(file.byteLength);
  await file.readInto(content, 0);
  await file.close();
  return content;
}

for (const [name, make] of Object.entries(implementations)) {
  test(`${name}: writes anywhere, reads anywhere, at once`, async (context) => {
    const { storage, folder } = make(context);
    const path = join(folder, 'deep/er/file');
    const file = await storage.create(path);
    assert.equal(file.path, path);
    assert.equal(file.byteLength, 0);
    await Promise.all([file.write(bytes.subarray(500), 500), file.write(bytes.subarray(0, 500), 0)]);
    await file.sync();
    const back = new Uint8Array(10);
    await file.readInto(back, 495);
    assert.deepEqual(back, bytes.slice(495, 505));
    await file.close();
    const reading = await storage.openRead(path);
    assert.equal(reading.byteLength, 1000);
    const pieces = [new Uint8Array(100), new Uint8Array(1), new Uint8Array(0)];
    await Promise.all([
      reading.readInto(pieces[0]!, 900),
      reading.readInto(pieces[1]!, 0),
      reading.readInto(pieces[2]!, 1000),
    ]);
    assert.deepEqual(pieces[0], bytes.slice(900));
    await reading.close();
  });

  test(`${name}: reads into views of shared memory`, async (context) => {
    const { storage, folder } = make(context);
    await put(storage, join(folder, 'file'));
    const memory = new Uint8Array(new SharedArrayBuffer(2000), 64, 1000);
    const file = await storage.openRead(join(folder, 'file'));
    await file.readInto(memory, 0);
    await file.close();
    assert.deepEqual(new Uint8Array(memory), bytes);
  });

  test(`${name}: a file that ends early is refused with the place`, async (context) => {
    const { storage, folder } = make(context);
    await put(storage, join(folder, 'file'));
    const file = await storage.openRead(join(folder, 'file'));
    await assert.rejects(file.readInto(new Uint8Array(11), 990), {
      code: 'MLML_BAD_FILE',
      message: /file: ends at byte 1000, but bytes 990 to 1001 are needed/,
    });
    await file.close();
  });

  test(`${name}: create empties, exclusive refuses, openWrite keeps`, async (context) => {
    const { storage, folder } = make(context);
    const path = join(folder, 'file');
    await put(storage, path);
    await assert.rejects(storage.create(path, { exclusive: true }), { code: 'MLML_EXISTS' });
    const kept = await storage.openWrite(path);
    assert.equal(kept.byteLength, 1000);
    await kept.write(new Uint8Array([7]), 1000);
    await kept.close();
    assert.deepEqual((await contentOf(storage, path)).slice(998), Uint8Array.of(...bytes.slice(998), 7));
    await put(storage, path, bytes.subarray(0, 3));
    assert.equal((await storage.status(path))?.byteLength, 3);
  });

  test(`${name}: what is not there`, async (context) => {
    const { storage, folder } = make(context);
    const path = join(folder, 'nothing');
    const attempts = [
      () => storage.openRead(path),
      () => storage.openWrite(path),
      () => storage.rename(path, `${path}2`),
    ];
    for (const attempt of attempts)
      await assert.rejects(attempt, { code: 'MLML_NOT_FOUND', message: /nothing: no such file or folder/ });
    assert.equal(await storage.status(path), undefined);
    assert.deepEqual(await storage.list(path), []);
    await storage.remove(path);
  });

  test(`${name}: removeEmpty removes an empty folder only`, async (context) => {
    const { storage, folder } = make(context);
    await put(storage, join(folder, 'full/file'));
    await storage.makeFolder(join(folder, 'empty'));
    for (const each of ['full', 'empty', 'nothing', 'full/file'])
      await storage.removeEmpty(join(folder, each));
    assert.deepEqual(await storage.list(folder), ['full']);
    assert.deepEqual(await storage.list(join(folder, 'full')), ['file']);
  });

  test(`${name}: folders are listed in order, removed whole, and are not files`, async (context) => {
    const { storage, folder } = make(context);
    const made = join(folder, 'made');
    await storage.makeFolder(join(made, 'empty/er'));
    await storage.makeFolder(made);
    await put(storage, join(made, 'b'));
    await put(storage, join(made, 'a/file'));
    assert.deepEqual(await storage.list(made), ['a', 'b', 'empty']);
    assert.equal((await storage.status(join(made, 'a')))?.isFolder, true);
    assert.equal((await storage.status(join(made, 'b')))?.isFolder, false);
    await assert.rejects(storage.openRead(join(made, 'a')), {
      code: 'MLML_BAD_FILE',
      message: /a: is a folder, a file is needed/,
    });
    await storage.syncFolder(made);
    await storage.remove(made);
    assert.equal(await storage.status(made), undefined);
    assert.deepEqual(await storage.list(folder), []);
  });

  test(`${name}: rename replaces files, moves folders, never replaces a folder`, async (context) => {
    const { storage, folder } = make(context);
    const at = (path: string) => join(folder, path);
    await put(storage, at('old'), bytes.subarray(0, 5));
    await put(storage, at('new'));
    await storage.rename(at('old'), at('new'));
    assert.deepEqual(await storage.list(folder), ['new']);
    assert.equal((await contentOf(storage, at('new'))).length, 5);
    await put(storage, at('one/deep/file'));
    await storage.rename(at('one'), at('two'));
    assert.deepEqual(await contentOf(storage, at('two/deep/file')), bytes);
    assert.equal(await storage.status(at('one')), undefined);
    await storage.makeFolder(at('empty'));
    for (const from of ['two', 'new']) {
      for (const to of ['empty', 'two/deep'].filter((path) => !path.startsWith(from)))
        await assert.rejects(storage.rename(at(from), at(to)), { code: 'MLML_EXISTS' }, `${from} to ${to}`);
    }
    assert.deepEqual(await contentOf(storage, at('two/deep/file')), bytes);
  });

  test(`${name}: free space is a number, also for a path that is not there yet`, async (context) => {
    const { storage, folder } = make(context);
    assert.ok((await storage.freeBytes(join(folder, 'not/yet'))) > 0);
  });

  test(`${name}: text files`, async (context) => {
    const { storage, folder } = make(context);
    const path = join(folder, 'note.json');
    await replaceFile(storage, path, '{"a": "ü"}');
    await replaceFile(storage, path, new TextEncoder().encode('{"a": 2}'));
    assert.equal(await readText(storage, path), '{"a": 2}');
    assert.deepEqual(await readJson(storage, path), { a: 2 });
    assert.deepEqual(await storage.list(folder), ['note.json']);
    await replaceFile(storage, path, '{"a": ');
    await assert.rejects(readJson(storage, path), {
      code: 'MLML_BAD_FILE',
      message: /note.json: is not JSON/,
    });
  });
}

test('faulty: a rule sees each operation and can stop it', async () => {
  const seen: string[] = [];
  const memory = new MemoryStorage();
  const storage = new FaultyStorage(memory, (operation) => {
    seen.push(`${operation.kind} ${operation.path} ${operation.bytes} ${operation.bytesWritten}`);
    if (operation.kind === 'sync') throw new Error('the disk broke');
  });
  const file = await storage.create('/file');
  await file.write(bytes, 0);
  await file.readInto(new Uint8Array(4), 0);
  await assert.rejects(file.sync(), /the disk broke/);
  assert.deepEqual(seen, [
    'create /file 0 0',
    'write /file 1000 0',
    'read /file 4 1000',
    'sync /file 0 1000',
  ]);
  assert.deepEqual([storage.bytesRead, storage.bytesWritten], [4, 1000]);
});

test('a failed replacement keeps the old file and leaves no temporary one', async () => {
  const memory = new MemoryStorage();
  await replaceFile(memory, '/note', 'old');
  for (const kind of ['create', 'write', 'sync', 'rename'] as const) {
    const storage = new FaultyStorage(memory, (operation) => {
      if (operation.kind === kind) throw new Error(`no ${kind}`);
    });
    await assert.rejects(replaceFile(storage, '/note', 'new'), new RegExp(`no ${kind}`));
    assert.equal(await readText(memory, '/note'), 'old');
    assert.deepEqual(memory.paths(), ['/note']);
  }
});

test('a folder where there can be none is an error and no endless wait', { timeout: 20_000 }, async () => {
  if (process.platform !== 'linux') return;
  for (const path of ['/proc/none', '/proc/none/below'])
    await assert.rejects(nodeStorage.makeFolder(path), {
      code: 'MLML_IO',
      message: `${path}: making the folder failed (ENOENT)`,
    });
});

const onUnix = { skip: process.platform === 'win32' ? 'there are no such files' : false, timeout: 20_000 };

test(
  'a pipe to which nobody writes is refused, not waited for; so are devices and sockets',
  onUnix,
  async (context) => {
    const folder = temporaryFolder(context);
    const refused = async (path: string, what: RegExp) =>
      await assert.rejects(nodeStorage.openRead(path), { code: 'MLML_BAD_FILE', message: what });
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await refused(
      pipe,
      /pipe: is a pipe, a file is needed; a table can be piped in with - in place of its name/,
    );
    await refused('/dev/zero', /zero: is a device, a file is needed/);
    const path = join(folder, 'socket');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await refused(path, /socket: is a socket or device, a file is needed/);
    await new Promise((resolve) => server.close(resolve));
  },
);
