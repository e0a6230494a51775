import type { Access, Caller, Operation, Service } from '../../../../sandbox/core/operation.ts';

const operator: Caller = {
  accountId: '111111111111',
  region: 'us-east-1',
  principalArn: 'arn:aws:iam::111111111111:user/operator',
  arn: 'arn:aws:iam::111111111111:user/operator',
  principalId: 'AIDAOPERATOR',
  policies: [],
};

function operationOf(service: Service, name: string): Operation {
  const operation = service.operations[name];
  if (operation === undefined) throw new Error(`${service.name} has no ${name}`);
  return operation;
}

/** Calls an operation as the server does after IAM has allowed it. */
export async function call(service: Service, name: string, input: object, caller = operator): Promise<object> {
  const operation = operationOf(service, name);
  return operation.run(operation.parse(input), caller);
}

/** What IAM would be asked about a call. */
export function accessOf(service: Service, name: string, input: object): readonly Access[] {
  const operation = operationOf(service, name);
  return operation.access(operation.parse(input), operator);
}
