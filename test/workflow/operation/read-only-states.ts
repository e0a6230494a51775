// Which states of the machines change nothing, and so need not ask whether the subscriber is still their execution's.

/** By state, the reason. Every other Task state is redriven in an execution that was superseded, and must refuse. */
export const readOnlyStates: Readonly<Record<string, string>> = {
  ReadRoleArn: 'lists the resources of a stack and asks IAM for its role',
  VerifySubscriber: 'logs in as the subscriber and compares a role; no token is kept',
};
