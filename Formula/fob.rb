# Builds fob from the clone that Homebrew made of this repository:
#
#   brew tap fob/fob URL-OF-THIS-REPOSITORY
#   brew install --HEAD fob/fob/fob
class Fob < Formula
  desc "Keeps AWS keys encrypted and hands out short-lived, MFA-backed credentials"
  license "MIT"
  head "file://#{File.expand_path("..", __dir__)}", using: :git, branch: "main"

  depends_on "go" => :build

  def install
    ENV["CGO_ENABLED"] = OS.mac? ? "1" : "0" # see the Makefile
    system "go", "build", *std_go_args(ldflags: "-s -w -X main.version=#{version}")
    man1.install "doc/fob.1"
    generate_completions_from_executable(bin/"fob", "completion")
  end

  test do
    ENV["AWS_CONFIG_FILE"] = testpath/"config"
    ENV["FOB_BACKEND"] = "file"
    ENV["FOB_PASSPHRASE"] = "correct horse battery staple"
    key = "AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
    pipe_output("#{bin}/fob add dev --stdin --no-verify", key, 0)
    assert_equal "dev\n", shell_output("#{bin}/fob list --names")
    assert_match "credential_process = #{bin}/fob export --profile dev", (testpath/"config").read
    assert_match version.to_s, shell_output("#{bin}/fob version")
  end
end
