import { randomBytes, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import type { Cognito } from '../services/cognito.ts';

const week = 7 * 24 * 60 * 60 * 1000;

/** The header names are in lower case, the path is relative to the service's base URL. */
export interface InfinStorRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

export interface InfinStorResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** What a subscriber's stack reports when it is up. */
export interface Registration {
  roleArn: string;
  bucketName: string;
  tableName: string;
}

/** How `add_subscriber` answers. The vendor documents no shape; these are the likely ones. */
export type TokenShape = 'customToken' | 'custom_token' | 'token' | 'queue' | 'nested' | 'opaque' | 'none';

/** What the vendor does not document, or what differs between services. */
export interface InfinStorVariant {
  /** Default: `customToken`. */
  tokenShape?: TokenShape;
  /** What a custom token begins with. Default: `Custom `; `opaque` has none. */
  tokenPrefix?: 'Custom ' | '';
  /** The status of the answer to a user name that is taken. Default: 400. */
  duplicateStatus?: 200 | 400 | 403 | 409 | 422 | 500;
  /**
   * The status of the answer to a login that has expired: 200 comes with the login page, 302 leads to it, and the others are
   * API Gateway's. Default: 200.
   */
  expiredLoginStatus?: 200 | 302 | 401 | 403;
  /** Whether subscribers log in elsewhere: the user pool then has none of them. */
  isExternalAuth?: boolean;
  /** What get_version says of the service's hosts, in place of the usual names. */
  hosts?: Readonly<Record<string, string>>;
}

interface Subscriber {
  userName: string;
  emailId: string;
  registered?: Registration;
}

export interface InfinStor {
  /** The names of the calls that it has. */
  operations: readonly string[];
  handle(request: InfinStorRequest): InfinStorResponse;
  /** How the service answers a fault: with this status, as to an expired login, or as API Gateway for it; any other name is throttling. */
  failure(name: string): InfinStorResponse;
  subscribers(): readonly Readonly<Subscriber>[];
  /** The custom token that was issued for a subscriber, as a person would get it from the vendor. */
  customTokenOf(userName: string): string | undefined;
  /**
   * The stack's callback with its custom token, which may come more than once.
   * Throws an Error `Invalid token` or, seven days after the token was issued, `Expired token`.
   */
  redeem(customToken: string, registration: Registration): void;
}

interface InfinStorOptions extends InfinStorVariant {
  clock: Clock;
  cognito: Cognito;
  /** The service's base URL; asked when needed, because the port is known only then. */
  baseUrl: () => string;
  region: string;
  /** The one user who may add subscribers. */
  superadmin: { userName: string };
}

const newSubscriber = v.object({
  userName: v.pipe(v.string(), v.minLength(1)),
  password: v.pipe(v.string(), v.minLength(1)),
  emailId: v.pipe(v.string(), v.minLength(1)),
});

/** The multi-tenant MLflow service, as far as its REST interface is known. */
export function createInfinStor(options: InfinStorOptions): InfinStor {
  const { clock, cognito, baseUrl, region, superadmin } = options;
  const { tokenShape = 'customToken', tokenPrefix = 'Custom ', hosts = {} } = options;
  const { duplicateStatus = 400, expiredLoginStatus = 200, isExternalAuth = false } = options;
  const subscribers = new Map<string, Subscriber>();
  const tokens = new Map<string, { subscriber: Subscriber; expires: number }>();

  const getVersion = () =>
    json(200, {
      cognitoCliClientId: cognito.clientId,
      cognitoAppClientId: '4sandbox0app0client0000000',
      mlflowDnsName: 'mlflow',
      mlflowuiDnsName: 'mlflowui',
      mlflowstaticDnsName: 'mlflowstatic',
      apiDnsName: 'infinstorapi',
      serviceDnsName: new URL(baseUrl()).hostname,
      region,
      isExternalAuth: String(isExternalAuth),
      ...hosts,
    });

  function loginExpired(): InfinStorResponse {
    const loginUrl = `${baseUrl()}/login.html`;
    switch (expiredLoginStatus) {
      // The service shows its login page instead of an error, with the status of a success.
      case 200:
        return response(
          200,
          'text/html',
          `<html><head><meta http-equiv="refresh" content="3;url=${loginUrl}"></head>` +
            '<body>Login expired. Please login again</body></html>',
        );
      case 302:
        return { status: 302, headers: { location: loginUrl }, body: '' };
      default:
        return json(expiredLoginStatus, { message: 'The incoming token has expired' });
    }
  }

  function addSubscriber({ headers, body }: InfinStorRequest): InfinStorResponse {
    const idToken = headers.authorization;
    if (idToken === undefined || /^bearer /i.test(idToken)) return json(401, { message: 'Unauthorized' });
    const caller = cognito.userOf(idToken);
    if (caller === undefined || caller === 'expired') return loginExpired();
    if (caller.userName !== superadmin.userName) return refusal(403, 'Error Only superadmin can add subscribers');
    if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) return refusal(400, 'Error Expected a JSON body');
    const request = v.safeParse(newSubscriber, parseJson(body));
    if (!request.success) {
      const field = v.getDotPath(request.issues[0]);
      return refusal(400, field ? `Error Missing parameter ${field}` : 'Error Malformed JSON body');
    }
    const { userName, password, emailId } = request.output;
    if (cognito.hasUser(userName) || subscribers.has(userName.toLowerCase())) {
      return refusal(duplicateStatus, 'Error User Exists');
    }
    if (!isStrong(password)) return refusal(400, 'Error Password did not conform with policy');

    if (!isExternalAuth) cognito.createUser({ userName, password, email: emailId });
    const subscriber = { userName, emailId };
    subscribers.set(userName.toLowerCase(), subscriber);
    const id = randomUUID();
    const token = randomBytes(256).toString('base64url');
    const customToken =
      tokenShape === 'opaque' ? randomBytes(30).toString('base64url') : `${tokenPrefix}${id}:${token}`;
    tokens.set(customToken, { subscriber, expires: clock.now() + week });
    return json(200, answerOf({ id, token, customToken }));
  }

  function answerOf({ id, token, customToken }: { id: string; token: string; customToken: string }): object {
    switch (tokenShape) {
      case 'customToken':
      case 'custom_token':
      case 'token':
        return { [tokenShape]: customToken };
      case 'opaque':
        return { customToken };
      case 'queue':
        return { queue_message_uuid: id, token };
      case 'nested':
        return { subscriber: { credentials: { value: customToken } } };
      case 'none':
        return { status: 'created' };
    }
  }

  const routes: Readonly<Record<string, (request: InfinStorRequest) => InfinStorResponse>> = {
    'GET /api/2.0/mlflow/infinstor/get_version': (request) =>
      request.headers.authorization === 'None' ? getVersion() : json(401, { message: 'Unauthorized' }),
    'POST /api/2.0/mlflow/infinstor/add_subscriber': addSubscriber,
  };

  return {
    operations: Object.keys(routes).map((route) => route.slice(route.lastIndexOf('/') + 1)),
    handle(request) {
      const name = `${request.method} ${request.path}`;
      const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
      return route?.(request) ?? refusal(404, `The sandbox's InfinStor does not have ${name}`);
    },
    failure(name) {
      if (name === 'LoginExpired') return loginExpired();
      if (name === 'EndpointTimedOut') return json(504, { message: 'Endpoint request timed out' });
      return /^\d{3}$/.test(name)
        ? json(Number(name), { message: 'A fault was asked for' })
        : json(429, { message: name });
    },
    subscribers: () => [...subscribers.values()],
    customTokenOf: (userName) =>
      [...tokens].find(([, { subscriber }]) => subscriber.userName.toLowerCase() === userName.toLowerCase())?.[0],
    redeem(customToken, registration) {
      const issued = tokens.get(customToken);
      if (issued === undefined) throw new Error('Invalid token');
      if (issued.expires <= clock.now()) throw new Error('Expired token');
      issued.subscriber.registered = registration;
    },
  };
}

/** Like a Cognito pool that asks for every kind of character. */
const isStrong = (password: string) =>
  password.length >= 8 && [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9\s]/].every((kind) => kind.test(password));

const response = (status: number, contentType: string, body: string): InfinStorResponse => ({
  status,
  headers: { 'content-type': contentType },
  body,
});

const json = (status: number, body: object) => response(status, 'application/json', JSON.stringify(body));

/** Errors are plain text, yet their content type says JSON. */
const refusal = (status: number, text: string) => response(status, 'application/json', text);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
