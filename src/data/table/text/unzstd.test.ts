import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { zstdChecked, zstdLong, zstdText, zstdUnchecked } from '../../../../test/support/zstdFiles.js';
import { unzstd } from './unzstd.js';

/** Decompresses bytes that come in pieces of some length. */
async function undone(bytes: Uint8Array, piece = bytes.length): Promise<string> {
  const source = async function* () {
    const buffer = new Uint8Array(piece);
    for (let from = 0; from < bytes.length; from += piece) {
      const part = bytes.subarray(from, from + piece);
      // As files are read: each chunk is overwritten by the next.
      buffer.set(part);
      yield buffer.subarray(0, part.length);
    }
  };
  let text = '';
  for await (const chunk of unzstd(source(), '/t.csv.zst')) text += Buffer.from(chunk).toString('latin1');
  return text;
}

const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const skippable = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
const long = '0123456789,abc\n'.repeat(40_000);

describe('Zstandard', () => {
  test('frames with and without checksums, in pieces of any length, with others between them', async () => {
    for (const piece of [1, 3, 17, 100, 1e6]) {
      assert.equal(await undone(zstdChecked, piece), zstdText);
      assert.equal(await undone(zstdUnchecked, piece), zstdText);
      assert.equal(await undone(zstdLong, piece), long);
      const all = joined(skippable, zstdChecked, skippable, zstdLong, zstdUnchecked, zstdChecked, skippable);
      assert.equal(await undone(all, piece), zstdText + long + zstdText + zstdText);
    }
  });

  test('a bit that is flipped anywhere is found, or changes nothing', async () => {
    let found = 0;
    for (let bit = 0; bit < 8 * zstdChecked.length; bit += 1) {
      const bytes = zstdChecked.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const text = await undone(bytes, 1000).catch((error) => {
        assert.equal(error.code, 'MLML_BAD_FILE');
        assert.match(error.message, /^\/t.csv.zst: (damaged Zstandard stream|was compressed with a window)/);
        found++;
        return zstdText;
      });
      assert.equal(text, zstdText, `bit ${bit}`);
    }
    assert.ok(found > 8 * zstdChecked.length - 40, `${found} of ${8 * zstdChecked.length}`);
  });

  test('the message tells both checksums', async () => {
    const bytes = zstdLong.slice();
    bytes[bytes.length - 1]! ^= 255;
    await assert.rejects(undone(bytes), {
      code: 'MLML_BAD_FILE',
      message:
        /^\/t.csv.zst: damaged Zstandard stream after byte \d+ of the decompressed data \(its checksum is [0-9a-f]{8}, not [0-9a-f]{8}\); get the file anew$/,
    });
  });

  test('a file cut anywhere, or with something behind it, is refused', async () => {
    for (let length = 5; length < zstdChecked.length; length++)
      await assert.rejects(
        undone(zstdChecked.slice(0, length)),
        { code: 'MLML_BAD_FILE' },
        `${length} bytes`,
      );
    await assert.rejects(undone(joined(zstdUnchecked, Uint8Array.of(1, 2, 3, 4, 5))), {
      message: /invalid frame/,
    });
  });

  test('a frame of another length than it says', async () => {
    const content = Buffer.from('a,b\n1,2\n');
    // A single segment whose only block is stored as it is.
    const frame = (length: number) =>
      joined(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, length, (content.length << 3) | 1, 0, 0), content);
    assert.equal(await undone(frame(8)), content.toString());
    await assert.rejects(undone(frame(9)), { message: /\(a frame of 8 bytes, which should have 9\)/ });
  });
});
