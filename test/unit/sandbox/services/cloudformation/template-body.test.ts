import { describe, expect, it } from 'vitest';
import { createInput, setUp, templateUrl } from './cloudformation-fixture.ts';

const simple = 'Resources: { Bucket: { Type: "AWS::S3::Bucket" } }';
const ofLength = (bytes: number) => `${simple}\n#${'x'.repeat(bytes - simple.length - 2)}`;
const given = (template: object) => {
  const { TemplateURL: _, Parameters: __, ...input } = createInput();
  return { ...input, ...template };
};
const error = (message: string) =>
  expect.objectContaining({ code: 'ValidationError', message: expect.stringContaining(message) });

describe('a template in the call itself', () => {
  it('is what the stack is made of, and needs no right to read it elsewhere', async () => {
    const { call, access, cloudFormation } = setUp();
    const body = ofLength(51_200);
    await call('CreateStack', given({ TemplateBody: body }));
    expect(cloudFormation.stack('tenant-acme')?.templateBody).toBe(body);
    const asked = access('CreateStack', given({ TemplateBody: body }));
    expect(asked.map(({ action }) => action)).toEqual(['cloudformation:CreateStack', 'iam:PassRole']);
    expect(asked[0]?.context).not.toHaveProperty('cloudformation:TemplateUrl');
    expect(access('GetTemplateSummary', { TemplateBody: body })).toEqual([
      { action: 'cloudformation:GetTemplateSummary', resource: '*' },
    ]);
    expect(await call('GetTemplateSummary', { TemplateBody: body })).toMatchObject({
      ResourceTypes: ['AWS::S3::Bucket'],
    });
  });

  it.each([
    ['one that is too long', { TemplateBody: ofLength(51_201) }, 'Member must have length less than or equal to 51200'],
    ['none', {}, 'Either Template URL or Template Body must be specified'],
    ['two', { TemplateBody: simple, TemplateURL: templateUrl('customer') }, 'Either Template URL or Template Body'],
  ])('is refused: %s', async (_, template, message) => {
    const { call } = setUp();
    await expect(call('CreateStack', given(template))).rejects.toEqual(error(message));
    await expect(call('GetTemplateSummary', template)).rejects.toEqual(error(message));
  });
});
