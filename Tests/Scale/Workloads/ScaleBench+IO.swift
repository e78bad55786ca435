extension ScaleBench {
  func measureIO() async throws {}
}
