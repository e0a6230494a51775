import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fixtures } from '../../../sandbox/core/account.ts';

const root = join(import.meta.dirname, '../../..');
const stageSchema = v.looseObject({ builds: v.pipe(v.string(), v.parseJson()), requirePinnedTemplate: v.string() });
const paramsOf = (stage: string): unknown => parse(readFileSync(join(root, `stages/${stage}.yml`), 'utf8'));

describe('the pins of templates', () => {
  it('are required of every stage but the sandbox, which has none to begin with', () => {
    expect(v.parse(stageSchema, paramsOf('default'))).toMatchObject({ builds: {}, requirePinnedTemplate: 'true' });
  });

  it("have the sandbox's stand-in as it is: put its new hash into stages/sandbox.yml when you have changed it", () => {
    const standIn = readFileSync(join(root, 'sandbox/infinstor/infinstor-setup-customer.yaml'));
    const builds = { [fixtures.build]: createHash('sha256').update(standIn).digest('hex') };
    expect(v.parse(stageSchema, paramsOf('sandbox'))).toMatchObject({ builds, requirePinnedTemplate: 'false' });
  });
});
