// A fault of ours on one page leaves the rest of the console as it is.
import { Component, type ReactNode } from "react";
import { Mark } from "./parts";

export class Boundary extends Component<{ children: ReactNode }, { fault: string | undefined }> {
  override state: { fault: string | undefined } = { fault: undefined };

  static getDerivedStateFromError(error: unknown): { fault: string } {
    return { fault: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    if (this.state.fault === undefined) return this.props.children;
    return (
      <>
        <div className="head">
          <h1>Not shown</h1>
        </div>
        <div className="problem" role="alert">
          <Mark is="bad" word="A fault of this page" />
          <p>
            It could not show what the server told. The other pages work; on the machine, <code>paquebot</code> tells
            the same.
          </p>
          <p className="actions">
            <button className="btn btn--small" type="button" onClick={() => this.setState({ fault: undefined })}>
              Show it again
            </button>{" "}
            <span className="help mono">
              <bdi>{this.state.fault}</bdi>
            </span>
          </p>
        </div>
      </>
    );
  }
}
