import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { packageForSandbox } from '../../scripts/package.ts';

const root = resolve(import.meta.dirname, '../..');
const deployed = () => (existsSync(join(root, '.serverless')) ? readdirSync(join(root, '.serverless')) : undefined);

it('packages of sandboxes that boot at once are whole, and leave the one to deploy alone', async () => {
  const before = deployed();
  const folders = await Promise.all([packageForSandbox(), packageForSandbox()]);
  expect(new Set(folders).size).toBe(2);
  const functions = readdirSync(join(root, 'functions')).filter((name) => name !== 'shared');
  for (const folder of folders) {
    const zips = readdirSync(folder).filter((name) => name.endsWith('.zip'));
    expect(zips).toHaveLength(functions.length);
    expect(existsSync(join(folder, 'cloudformation-template-update-stack.json'))).toBe(true);
  }
  expect(deployed()).toEqual(before);
});
