import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionalPackage } from './optionalPackage.js';

test('a package that is not there, or does not load, is named with what to do', async () => {
  const name = 'mlml-has-no-such-package';
  await assert.rejects(
    optionalPackage(name, 'dreams', () => import(name)),
    {
      code: 'MLML_NOT_FOUND',
      message: `dreams need the package ${name}, which is not installed: npm install ${name}`,
    },
  );
  const broken = async () => {
    throw new Error('wrong ELF class\nand more');
  };
  await assert.rejects(optionalPackage('sharp', 'images', broken), {
    code: 'MLML_NOT_FOUND',
    message: 'images need the package sharp, which does not load here (wrong ELF class): npm install sharp',
  });
});
