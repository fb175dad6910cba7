import { Controller, Get } from '@nestjs/common';
import { Public } from '@millrace/service-kit';
import { openApi } from './openapi.ts';

@Controller('openapi.json')
@Public()
export class OpenApiController {
  private readonly description = openApi();

  @Get()
  describe(): ReturnType<typeof openApi> {
    return this.description;
  }
}
