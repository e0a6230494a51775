import XMLBuilder from 'fast-xml-builder';
import type { AwsError } from '../core/operation.ts';

/** An HTTP answer. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** What is sent in place of the body, where that would not be the same. */
  bytes?: Buffer;
}

const xml = new XMLBuilder({ format: false, suppressEmptyNode: false });

/** A result in AWS JSON 1.0 or 1.1: timestamps are seconds since the epoch. */
export function jsonResult(output: unknown, contentType: string): Answer {
  return { status: 200, headers: { 'content-type': contentType }, body: JSON.stringify(output, epochSeconds) };
}

export function jsonError({ code, message, statusCode }: AwsError, contentType: string): Answer {
  return {
    status: statusCode,
    headers: { 'content-type': contentType, 'x-amzn-errortype': code },
    body: JSON.stringify({ __type: code, message }),
  };
}

function epochSeconds(this: unknown, key: string, value: unknown): unknown {
  // JSON.stringify has called toJSON by now: the Date itself is still in its holder.
  const original = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value;
  return original instanceof Date ? original.getTime() / 1000 : value;
}

/**
 * A result in the AWS Query protocol: XML, lists as `<member>` elements, maps as `<entry>` elements, timestamps in ISO 8601.
 * @param lists `flat`: elements of a list stand side by side, each under the list's name
 */
export function queryResult(
  operationName: string,
  output: object,
  requestId: string,
  lists: 'member' | 'flat' = 'member',
): Answer {
  const body = xml.build({
    [`${operationName}Response`]: {
      [`${operationName}Result`]: xmlValue(output, lists),
      ResponseMetadata: { RequestId: requestId },
    },
  });
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}

/** The names that errors common to all services have in the Query protocol, where these are not the JSON protocols' own. */
const queryCodes: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  ValidationException: 'ValidationError',
  UnrecognizedClientException: 'InvalidClientTokenId',
  ExpiredTokenException: 'ExpiredToken',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  IncompleteSignatureException: 'IncompleteSignature',
  UnknownOperationException: 'InvalidAction',
};

/** The name of an error in the Query protocol, which CloudWatch's answers in JSON have in a header beside their own. */
export const queryCodeOf = ({ code }: Pick<AwsError, 'code'>): string => queryCodes[code] ?? code;

/** What answers that are not those of the JSON protocols have status 403 for. */
const forbidden = [
  'AccessDeniedException',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
];

const statusOf = ({ code, statusCode }: AwsError) => (forbidden.includes(code) ? 403 : statusCode);

/** An error of a REST service with JSON. */
export const restError = (error: AwsError, contentType: string): Answer => ({
  ...jsonError(error, contentType),
  status: statusOf(error),
});

export function queryError(error: AwsError, requestId: string): Answer {
  const { code, message } = error;
  const status = code === 'AccessDenied' ? 403 : statusOf(error);
  const Type = status < 500 ? 'Sender' : 'Receiver';
  const Code = queryCodeOf(error);
  const body = xml.build({ ErrorResponse: { Error: { Type, Code, Message: message }, RequestId: requestId } });
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

/** What S3 calls the errors common to all services: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const s3Codes: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  UnrecognizedClientException: 'InvalidAccessKeyId',
  ExpiredTokenException: 'ExpiredToken',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  IncompleteSignatureException: 'AuthorizationHeaderMalformed',
};
const s3Statuses: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  InvalidAccessKeyId: 403,
  SignatureDoesNotMatch: 403,
  InternalError: 500,
  ServiceUnavailable: 503,
  SlowDown: 503,
};

/** An error of S3, whose document has no envelope. */
export function xmlError({ code, message, statusCode }: AwsError, requestId: string): Answer {
  const Code = s3Codes[code] ?? code;
  const body = xml.build({ Error: { Code, Message: message, RequestId: requestId } });
  return {
    status: s3Statuses[Code] ?? statusCode,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  };
}

/** A result of a REST service with XML: elements of a list stand side by side, each under the list's name. */
export const restXml = (document: object): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${xml.build(xmlValue(document, 'flat'))}`,
});

function xmlValue(value: unknown, lists: 'member' | 'flat'): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map)
    return { entry: [...value].map(([key, member]) => ({ key, value: xmlValue(member, lists) })) };
  if (Array.isArray(value)) {
    const values = value.map((each) => xmlValue(each, lists));
    return lists === 'flat' ? values : { member: values };
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, xmlValue(member, lists)]));
}

/**
 * The input of a Query call. `Tags.member.1.Key=a` is `{Tags: [{Key: 'a'}]}`; no form parser knows this numbering, so it is
 * read here. Every scalar stays a string.
 */
export function queryInput(body: string): { operationName: string; input: unknown } {
  const root: Node = new Map();
  let operationName = '';
  for (const [name, value] of new URLSearchParams(body)) {
    if (name === 'Action') operationName = value;
    else if (name !== 'Version') insert(root, name.split('.'), value);
  }
  return { operationName, input: plain(root) };
}

type Node = Map<string, Node | string>;

function insert(node: Node, [head = '', ...rest]: string[], value: string): void {
  if (rest.length === 0) {
    node.set(head, value);
    return;
  }
  const existing = node.get(head);
  const child: Node = existing instanceof Map ? existing : new Map();
  node.set(head, child);
  insert(child, rest, value);
}

function plain(node: Node | string): unknown {
  if (typeof node === 'string') return node;
  const list = node.get('member');
  if (list instanceof Map) {
    return [...list].sort(([a], [b]) => Number(a) - Number(b)).map(([, member]) => plain(member));
  }
  return Object.fromEntries([...node].map(([name, member]) => [name, plain(member)]));
}
