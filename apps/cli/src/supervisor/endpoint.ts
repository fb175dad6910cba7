import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface ServiceStatus {
  readonly name: string;
  readonly url: string | null;
  readonly healthy: boolean;
  readonly pssBytes: number;
  readonly pid: number | null;
  readonly restarts: number;
}

export interface SupervisorStatus {
  readonly ready: boolean;
  readonly services: readonly ServiceStatus[];
}

export interface SupervisorAnswers {
  status(): Promise<SupervisorStatus>;
  /** Begins to drain; answers at once. */
  stop(): void;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The operator may ask for everything, the console how things are: its pages show it. */
export interface SupervisorTokens {
  readonly operator: string;
  readonly console: string;
}

const isHolder = (request: IncomingMessage, token: string): boolean => timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));

const answer = (response: ServerResponse, status: number, document: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
};

/** What `status`, `stop` and the console's system page talk to: on 127.0.0.1 only. */
export const serveSupervisor = async (port: number, tokens: SupervisorTokens, answers: SupervisorAnswers): Promise<Server> => {
  const server = createServer((request, response) => {
    void route(request, response, tokens, answers);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return server;
};

const route = async (request: IncomingMessage, response: ServerResponse, tokens: SupervisorTokens, answers: SupervisorAnswers): Promise<void> => {
  const isOperator = isHolder(request, tokens.operator);
  const asksStatus = request.method === 'GET' && request.url === '/v1/status';
  if (!isOperator && !(asksStatus && isHolder(request, tokens.console))) return answer(response, 401, { title: 'the operator token is needed' });
  if (asksStatus) return answer(response, 200, await answers.status());
  if (request.method === 'POST' && request.url === '/v1/stop') {
    answer(response, 202, { stopping: true });
    return answers.stop();
  }
  return answer(response, 404, { title: 'GET /v1/status and POST /v1/stop are served here' });
};
