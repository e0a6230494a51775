import { createHash } from 'node:crypto';
import { GetTemplateSummaryCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../lambda.ts';
import { templateText } from '../plan.ts';
import { environment, setUp, summary, templateUrl, templateUrlOf } from './accept-request-fixture.ts';

const hashOf = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
const pinned = {
  BUILDS: JSON.stringify({ '2.3.72': hashOf(templateText), '2.4.1': hashOf('another') }),
  REQUIRE_PINNED_TEMPLATE: 'true',
};
const copyUrlOf = (sha256: string) => `${environment.TEMPLATE_COPIES_URL}/${sha256}.yaml`;

describe('a pinned template', () => {
  it('is accepted, and kept as it was checked', async () => {
    const { accept, s3, cloudFormation } = setUp();
    const { stack } = await accept({}, pinned);
    const sha256 = hashOf(templateText);
    expect(stack.template).toEqual({ sha256, copyUrl: copyUrlOf(sha256) });
    expect(s3.objects.get(copyUrlOf(sha256))?.toString()).toBe(templateText);
    expect(cloudFormation.commandCalls(GetTemplateSummaryCommand)).toHaveLength(1);
  });

  it('is TemplateChanged with one byte more, and nothing is kept', async () => {
    const { accept, s3, cloudFormation, claims } = setUp();
    s3.objects.set(templateUrl, Buffer.from(`${templateText} `));
    const rejection = expect(accept({}, pinned)).rejects;
    await rejection.toMatchObject(errorOf('TemplateChanged', `build 2.3.72 (${templateUrl})`));
    await expect(accept({}, pinned)).rejects.toMatchObject(errorOf('TemplateChanged', hashOf(templateText)));
    await expect(accept({}, pinned)).rejects.toMatchObject(errorOf('TemplateChanged', hashOf(`${templateText} `)));
    expect([...s3.written, ...cloudFormation.calls(), ...claims()]).toEqual([]);
  });

  it('is compared also where unpinned ones are allowed', async () => {
    const changes = { ...pinned, REQUIRE_PINNED_TEMPLATE: 'false' };
    await expect(setUp().accept({ stack: { build: '2.4.1' } }, changes)).rejects.toMatchObject(
      errorOf('TemplateChanged', 'build 2.4.1'),
    );
  });

  it('of another request is read by the URL of its copy when it is long', async () => {
    const { accept, s3, cloudFormation } = setUp();
    const long = Buffer.from(`${templateText}#${'x'.repeat(51_200)}`);
    s3.objects.set(templateUrl, long);
    const TemplateURL = copyUrlOf(hashOf(long));
    cloudFormation.on(GetTemplateSummaryCommand, { TemplateURL }).resolves(summary);
    const BUILDS = JSON.stringify({ '2.3.72': hashOf(long) });
    expect(await accept({}, { ...pinned, BUILDS })).toMatchObject({ stack: { template: { copyUrl: TemplateURL } } });
  });

  it.each([
    ['nested stacks', { ResourceTypes: ['AWS::IAM::Role', 'AWS::CloudFormation::Stack'] }],
    ['the transforms AWS::Include', { DeclaredTransforms: ['AWS::Include'] }],
  ])('is TemplateMismatch with %s, which no pin covers', async (what, change) => {
    const { accept, cloudFormation, claims } = setUp();
    cloudFormation.on(GetTemplateSummaryCommand).resolves({ ...summary, ...change });
    await expect(accept({}, pinned)).rejects.toMatchObject(errorOf('TemplateMismatch', what));
    expect(claims()).toEqual([]);
    await expect(accept({}, { ...pinned, REQUIRE_PINNED_TEMPLATE: 'false' })).resolves.toMatchObject({});
  });
});

describe('a template without a pin', () => {
  const stack = { build: '2.3.73' };

  it('is TemplateNotPinned, which names its hash', async () => {
    const { accept, s3, claims } = setUp();
    await expect(accept({ stack }, pinned)).rejects.toMatchObject(errorOf('TemplateNotPinned', 'build 2.3.73'));
    await expect(accept({ stack }, pinned)).rejects.toMatchObject(errorOf('TemplateNotPinned', hashOf(templateText)));
    expect([...s3.written, ...claims()]).toEqual([]);
  });

  it('is accepted where the deployment allows it', async () => {
    const changes = { ...pinned, REQUIRE_PINNED_TEMPLATE: 'false' };
    expect(await setUp().accept({ stack }, changes)).toMatchObject({ stack: { templateUrl: templateUrlOf('2.3.73') } });
  });
});

it.each([
  ['capital digits', { '2.3.72': 'A'.repeat(64) }],
  ['a short hash', { '2.3.72': 'a'.repeat(63) }],
  ['a build that no request can name', { latest: 'a'.repeat(64) }],
])('InvalidConfiguration: builds with %s', async (_, builds) => {
  await expect(setUp().accept({}, { BUILDS: JSON.stringify(builds) })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'BUILDS'),
  );
});
