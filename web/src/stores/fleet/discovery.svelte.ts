// Machines that were found on the network and wait for the owner's word.
import type { Schema } from "../../lib/api";
import { api } from "../client";

class Discovery {
  reply = $state.raw<Schema<"DiscoveryReply"> | null>(null);
  error = $state.raw<unknown>(null);
  looking = $state(false);

  /** What is known without looking again. Never rejects. */
  read(): Promise<void> {
    return this.take(api.get("/api/v1/discovery"));
  }

  /** Looks on the network, which takes as long as its networks are large; or at one address. Never rejects. */
  async look(address = ""): Promise<void> {
    this.looking = true;
    await this.take(api.post("/api/v1/discovery", { body: { address } }));
    this.looking = false;
  }

  /** Rejects with `ApiError`. */
  async accept(proposal: string, name: string): Promise<Schema<"AcceptedInfo">> {
    const node = await api.post("/api/v1/discovery/{proposal}/accept", { path: { proposal }, body: { name } });
    await this.read();
    return node;
  }

  async dismiss(proposal: string): Promise<void> {
    await api.post("/api/v1/discovery/{proposal}/dismiss", { path: { proposal } });
    await this.read();
  }

  /** An accepted machine serves no more. Rejects with `ApiError`. */
  async forget(node: string): Promise<void> {
    await api.delete("/api/v1/discovery/nodes/{node}", { path: { node } });
    await this.read();
  }

  private async take(asked: Promise<Schema<"DiscoveryReply">>): Promise<void> {
    try {
      this.reply = await asked;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }
}

export const discovery = new Discovery();
