import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeTemporaryFolder } from '../../../build/temporary-folder.ts';
import { stageFiles } from '../../../scripts/check-params.ts';

const root = join(import.meta.dirname, '../../..');
// Inside the project, where Node finds the YAML parser.
mkdirSync(join(root, '.sandbox'), { recursive: true });
const folder = makeTemporaryFolder(join(root, '.sandbox', 'stages-'));
const write = (stage: string, text: string) => writeFileSync(join(folder.path, `stages/${stage}.yml`), text);

beforeAll(() => {
  for (const name of ['deployment/params.cjs', 'stages/default.yml', 'stages/sandbox.yml']) {
    cpSync(join(root, name), join(folder.path, name));
  }
});
afterAll(() => folder.remove());

/** What osls gets for `params`. */
async function paramsOf(stage: string): Promise<unknown> {
  const module: unknown = createRequire(import.meta.url)(join(folder.path, 'deployment/params.cjs'));
  const params = v.parse(v.function(), module);
  return params({ resolveVariable: async (name: string) => (name === 'sls:stage' ? stage : undefined) });
}

describe('the params as osls reads them', () => {
  it("are the defaults and the stage's own", async () => {
    const { defaults, own = '' } = await stageFiles(root, 'sandbox');
    expect(await paramsOf('sandbox')).toEqual({ default: parse(defaults), sandbox: parse(own) });
    write('prod', 'region: eu-west-1\nverify: ${env:VERIFY}\n');
    expect(await paramsOf('prod')).toMatchObject({ prod: { region: 'eu-west-1', verify: '${env:VERIFY}' } });
    write('plain', '# as the defaults are\n');
    expect(await paramsOf('plain')).toMatchObject({ plain: {} });
  });

  it('are refused for a stage without a file, and for names of other files', async () => {
    await expect(paramsOf('pord')).rejects.toThrow('The stage pord has no file stages/pord.yml');
    await expect(paramsOf('default')).rejects.toThrow('no stage can have this name');
    await expect(paramsOf('example')).rejects.toThrow('no stage can have this name');
  });

  it('are refused when there is no such param', async () => {
    write('misspelt', 'verifi: require\nregoin: eu-west-1\n');
    await expect(paramsOf('misspelt')).rejects.toThrow('stages/misspelt.yml: verifi, regoin: no such param');
  });
});
