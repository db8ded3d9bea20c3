import { render } from "preact";

render(<main>Examination hall</main>, document.getElementById("app")!);
