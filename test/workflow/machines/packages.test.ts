import { readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionNames } from '../../../build/build.ts';
import { packageBundles } from '../../../build/package.ts';
import { cachedPackage } from '../../../build/package-cache.ts';
import { packagedFiles, packageKey } from '../../../build/package-key.ts';
import { params } from '../../../scripts/list-params.ts';
import { variants } from '../../../scripts/package-variants.ts';
import { casesInScope } from '../../scope.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Packages with empty bundles, since the template says nothing of what is in them: making them takes most of the time. */
const templateOf = async (name: string) => {
  const stage = 'sandbox';
  const params = variants[name]?.params ?? {};
  const folder = await cachedPackage({
    parent: join(root, '.sandbox'),
    keyNow: () => `template-${packageKey(root, stage, params)}`,
    async make(folder) {
      for (const file of packagedFiles) await cp(join(root, file), join(folder, file), { recursive: true });
      const bundles = (await functionNames()).map((each) => ({ name: `${each}.cjs`, contents: new Uint8Array() }));
      await packageBundles(bundles, { stage, folder, params });
      return join(folder, '.serverless');
    },
  });
  return readFileSync(join(folder, 'cloudformation-template-update-stack.json'), 'utf8');
};

describe('the packages that are checked', () => {
  it('have a value for every param', async () => {
    const names = (await params()).map(({ name }) => name);
    expect(Object.keys(variants['every param']?.params ?? {}).toSorted()).toEqual(names.toSorted());
  });

  // That it is packaged at all: packages beyond the limits of AWS are refused.
  const many = casesInScope(['a hundred'], []);

  it.each(many)('have one of %s accounts, whose variables and policies are within the limits of AWS', async () => {
    // For the functions that assume these roles, and in the policy of the bucket that they read copies of templates from.
    expect((await templateOf('every param')).match(/:role\/infinstor-onboarding-access"/g)).toHaveLength(200);
  });

  const partitions = ['us-gov-west-1', 'cn-north-1'];

  it.each(casesInScope(partitions, partitions.slice(0, 1)))(
    'have one of %s, which has nothing of another partition',
    async (region) => {
      const template = await templateOf(region);
      expect(template).toContain(`arn:${region.startsWith('cn') ? 'aws-cn' : 'aws-us-gov'}:iam::222222222222:role`);
      expect(template.match(/arn:aws:.*|https:\/\/s3\.amazonaws\.com.*/g)).toBeNull();
    },
  );
});
