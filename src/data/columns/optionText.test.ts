import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { columnOption } from './optionText.js';

test('names of columns are quoted as the shell, and lists of names, need it', () => {
  for (const [column, suffix, expected] of [
    ['size', '', '--drop=size'],
    ['größe_2', ':hash', '--drop=größe_2:hash'],
    ['kunden id', '', "--drop='kunden id'"],
    ['a, b', '', `--drop='"a, b"'`],
    ['5" nail', ':number', `--drop='"5"" nail":number'`],
    ["it's", '', `--drop="it's"`],
    ["it's $HOME", '', "--drop='it'\\''s $HOME'"],
    ['', '', "--drop=''"],
  ] as const)
    assert.equal(columnOption('drop', column, suffix), expected);
});

test('a shell reads them as they are', { skip: process.platform === 'win32' }, () => {
  for (const column of ['a b', "it's", '$(ls) `x` \\ "y"', 'a;b & c > d | *'])
    assert.equal(
      spawnSync('sh', ['-c', `printf %s ${columnOption('drop', column)}`]).stdout.toString(),
      `--drop=${/[",]/.test(column) ? `"${column.replaceAll('"', '""')}"` : column}`,
    );
});
