import * as v from 'valibot';
import { expect, it } from 'vitest';
import { createInput } from '../../../../../sandbox/services/cloudformation/stack-requests.ts';

it.each([
  ['absent', undefined],
  ['empty, as the SDK writes it', ''],
])('CreateStack takes lists that are %s', (_name, list) => {
  const request = {
    StackName: 'tenant-acme',
    TemplateURL: 'https://…',
    Parameters: list,
    Capabilities: list,
    Tags: list,
  };
  expect(v.parse(createInput, request)).toMatchObject({ Parameters: [], Capabilities: [], Tags: [] });
});
